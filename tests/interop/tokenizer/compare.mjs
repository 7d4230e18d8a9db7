// Compares our token ids with those of @huggingface/tokenizers, which shares no code with us.
// Usage: node compare.mjs TINYLM TOKEN_IDS CORPUS SCRATCH [VOCABULARY]. Exit: 0 the same, 1 different, 77 the judge is not installed.
import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const [tinylm, tokenIds, corpus, scratch, vocabulary = '600'] = process.argv.slice(2);
let judge;
try {
  judge = await import('@huggingface/tokenizers');
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.log('SKIPPED: @huggingface/tokenizers is not installed; run: npm install --prefix tests/interop');
  process.exit(77);
}

// JavaScript's \s differs from Unicode's White_Space in these three, so the judge cannot judge them; our split vectors do.
const UNJUDGED = /[\u0085\u180e\ufeff]/u;

// A linear congruential generator: the same strings in every run.
let state = 20261124n;
const below = (end) => {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number((state >> 33n) % BigInt(end));
};
const pick = (list) => list[below(list.length)];
const between = (low, high) => String.fromCodePoint(low + below(high - low + 1));

const ALPHABETS = {
  ascii: () => between(0x20, 0x7e),
  words: () => pick(['the ', 'seal', ' keeper', "'s", "'ll", ' wrote', '12', ' 3.5', ', ', '. ', '\n\n', ' record', 'ing']),
  latin1: () => between(0xa0, 0xff),
  greek: () => between(0x391, 0x3c9),
  arabic: () => pick([between(0x627, 0x64a), between(0x660, 0x669), ' ']),
  cjk: () => pick([between(0x4e00, 0x4fff), between(0x3041, 0x3096), '\u3000', ' ']),
  emoji: () => pick([between(0x1f600, 0x1f64f), '\u200d', '\ufe0f', ' ', 'ok']),
  spaces: () => pick([' ', '  ', '\t', '\n', '\r\n', '\u00a0', '\u1680', '\u2003', '\u2028', '\u202f', '\u205f', '\u3000', '\u200b', 'a', '1', '.']),
  numbers: () => pick([between(0x30, 0x39), '\u00bd', '\u2167', '\u0664', ' ', '.', 'x']),
  marks: () => pick(['e\u0301', 'n\u0303', 'o', ' ', '\u0308', '_', "'"]),
  control: () => between(0x00, 0x1f),
};

const texts = ['', ' ', '\n', 'Hello world', "I'm testing \u2014 na\u00efve caf\u00e9 \u{1f600}\n\n  1234567 x_y  \t\r\nEnd",
               "WE'LL see \u65e5\u672c\u8a9e text 12.5%  ok", ...readFileSync(corpus, 'utf8').split('\n\n')];
for (const make of Object.values(ALPHABETS)) {
  for (let i = 0; i < 40; ++i) texts.push(Array.from({length: 1 + below(40)}, make).join(''));
}
const judged = texts.filter((text) => !UNJUDGED.test(text));

const differences = (ours, theirs) => judged.filter((_, i) => JSON.stringify(ours[i]) !== JSON.stringify(theirs[i]));

rmSync(scratch, {recursive: true, force: true});
mkdirSync(join(scratch, 'corpus'), {recursive: true});
writeFileSync(join(scratch, 'corpus', 'sample.txt'), readFileSync(corpus));
execFileSync(tinylm, ['train', '--corpus', join(scratch, 'corpus'), '--output', scratch, '--vocabulary', vocabulary]);

const path = join(scratch, 'tokenizer.json');
const file = JSON.parse(readFileSync(path, 'utf8'));
const theirs = (json) => {
  const tokenizer = new judge.Tokenizer(json, {});
  return judged.map((text) => tokenizer.encode(text, {add_special_tokens: false}).ids);
};
const ours = JSON.parse(execFileSync(tokenIds, [path], {input: JSON.stringify(judged), maxBuffer: 1 << 28}).toString());
if (ours.length !== judged.length) throw new Error(`${ours.length} answers to ${judged.length} questions`);

const wrong = differences(ours, theirs(file));
for (const text of wrong.slice(0, 5)) console.log(`different: ${JSON.stringify(text)}`);
// Control: a judge whose merges are in another order must disagree, or this comparison can see nothing.
const reversed = structuredClone(file);
reversed.model.merges.reverse();
const control = differences(ours, theirs(reversed)).length;
console.log(`${judged.length} texts, ${ours.flat().length} tokens, ${wrong.length} different; with reversed merges ${control} different`);
if (judged.length < 400 || control === 0) process.exit(1);
process.exit(wrong.length === 0 ? 0 : 1);
