// Go's own x/mod/sumdb judges an exported log: opens the checkpoint's note, proves entries and growth from the tiles,
// and checks the receipts and consistency proofs that sigillo wrote. Usage: judge FOLDER VKEY [FILES], where FILES is a
// folder of N.tlog-proof with N.leaf, and of N.checkpoint with N.growth. Exit 0 if all of it holds.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

func must(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	must(err, "read")
	return data
}

// openCheckpoint gives the tree that a note signs; its origin must be the key's name.
func openCheckpoint(text []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err, "checkpoint")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		fail("checkpoint: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	return tlog.Tree{N: size, Hash: parseHash(lines[2])}
}

func parseHash(text string) (hash tlog.Hash) {
	data, err := base64.StdEncoding.DecodeString(text)
	must(err, "hash")
	if len(data) != len(hash) {
		fail("a hash has %d bytes", len(data))
	}
	copy(hash[:], data)
	return hash
}

// folderTiles reads tile/<L>/<N>; Go's own paths have the height of the tiles in them.
type folderTiles struct{ folder string }

func (folderTiles) Height() int { return 8 }
func (f folderTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.folder, name))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}
func (folderTiles) SaveTiles([]tlog.Tile, [][]byte) {}

func entry(folder string, size, index int64) []byte {
	width := size - index/256*256
	if width > 256 {
		width = 256
	}
	tile := tlog.Tile{H: 8, L: 0, N: index / 256, W: int(width)}
	bundle := read(filepath.Join(folder, strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)))
	for i := index / 256 * 256; ; i++ {
		length := int(binary.BigEndian.Uint16(bundle))
		if i == index {
			return bundle[2 : 2+length]
		}
		bundle = bundle[2+length:]
	}
}

// proofLines splits a proof of ours into its first number, its hashes and its checkpoint.
func proofLines(text []byte, prefix string) (number int64, hashes []tlog.Hash, checkpoint []byte) {
	parts := strings.SplitN(string(text), "\n\n", 2)
	if len(parts) != 2 || !strings.HasPrefix(parts[0], prefix) {
		fail("not a proof: %q", text)
	}
	lines := strings.Split(strings.TrimPrefix(parts[0], prefix), "\n")
	number, err := strconv.ParseInt(lines[0], 10, 64)
	must(err, "number")
	for _, line := range lines[1:] {
		hashes = append(hashes, parseHash(line))
	}
	return number, hashes, []byte(parts[1])
}

func main() {
	folder := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	must(err, "verifier key")
	tree := openCheckpoint(read(filepath.Join(folder, "checkpoint")), verifier)
	hashes := tlog.TileHashReader(tree, folderTiles{folder})

	indices := []int64{0, tree.N - 1}
	for _, index := range []int64{255, 256, 65535, 65536} { // edges of tiles
		if index < tree.N {
			indices = append(indices, index)
		}
	}
	random := rand.New(rand.NewSource(20261125))
	for len(indices) < 500 {
		indices = append(indices, random.Int63n(tree.N))
	}
	for _, index := range indices {
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		must(err, fmt.Sprintf("proof of entry %d", index))
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry(folder, tree.N, index))),
			fmt.Sprintf("entry %d", index))
	}
	for i := 0; i < 100; i++ {
		size := 1 + random.Int63n(tree.N)
		old, err := tlog.TreeHash(size, hashes)
		must(err, "tree hash")
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		must(err, "proof of growth")
		must(tlog.CheckTree(proof, tree.N, tree.Hash, size, old), fmt.Sprintf("growth from %d", size))
	}

	receipts, growths := 0, 0
	if len(os.Args) > 3 {
		names, err := filepath.Glob(filepath.Join(os.Args[3], "*.tlog-proof"))
		must(err, "files")
		for _, name := range names {
			index, path, checkpoint := proofLines(read(name), "c2sp.org/tlog-proof@v1\nindex ")
			signed := openCheckpoint(checkpoint, verifier)
			leaf := read(strings.TrimSuffix(name, ".tlog-proof") + ".leaf")
			must(tlog.CheckRecord(path, signed.N, signed.Hash, index, tlog.RecordHash(leaf)), name)
			receipts++
		}
		names, err = filepath.Glob(filepath.Join(os.Args[3], "*.growth"))
		must(err, "files")
		for _, name := range names {
			size, path, checkpoint := proofLines(read(name), "old ")
			signed := openCheckpoint(checkpoint, verifier)
			old := openCheckpoint(read(strings.TrimSuffix(name, ".growth")+".checkpoint"), verifier)
			if old.N != size {
				fail("%s is from %d, the checkpoint is of %d", name, size, old.N)
			}
			must(tlog.CheckTree(path, signed.N, signed.Hash, old.N, old.Hash), name)
			growths++
		}
	}
	fmt.Printf("%s at size %d: 500 entries and 100 older sizes proved from tiles, %d receipts, %d proofs of growth\n",
		verifier.Name(), tree.N, receipts, growths)
}
