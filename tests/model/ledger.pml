/* The ledger and those who write, publish, export and cosign it, with kills, power cuts and a restored backup.
   docs/model.md says in words what holds, what is left out, and how to run this; check.py runs it.

   One process takes one step after another, each indivisible; whose step it is, is open. So a power cut, which
   stops all at once, is one step too, and the same steps judge a trace of the program (-DTRACE, replay.py).

   An entry is a number from 1 on, given to one submission only. A tree is one number, its first entry in the
   lowest digit: so a tree is its own root, and no two have the same. */

#ifdef TRACE
#define BITS 3
#define ENTRIES 7
#define TREE int
#define AGENTS 3
#define CLIENT AGENTS   /* no agent: who asks the witness is judged by its answers */
#define ORPHAN AGENTS
#define called(p, what) (pc[p] == what)
#define returns(p, what) pc[p] = what
#define returns_nothing(p, what) base[p] = 0; bat[p] = 0; pc[p] = what
#define may_return_the_old 1
#define goes_on 1
#define spend(budget) skip
#define must(law) skip
#else
#define BITS 2
#define ENTRIES 3
#define TREE byte
#define AGENTS 5        /* 0 and 1 add and publish */
#define EXPORTER 2
#define CLIENT 3        /* one `log cosign` at a time: a lock */
#define ORPHAN 4        /* no process: a request without its client */
#define called(p, what) (pc[p] == IDLE)
#define returns(p, what) end(p)
#define returns_nothing(p, what) end(p)
#define may_return_the_old asked
#define goes_on !refused
#define spend(budget) budget--
#define must(law) assert(law || (ONLY && ONLY != N_##law))
#endif
#ifndef KILLS
#define KILLS 2
#endif
#ifndef CUTS
#define CUTS 1
#endif
#ifndef FAILURES
#define FAILURES 1
#endif
#ifndef RESTORES
#define RESTORES 1
#endif

#define low(k) ((1 << (BITS * (k))) - 1)
#ifdef TRACE
#define size(t) ((t) > low(6) -> 7 : ((t) > low(5) -> 6 : ((t) > low(4) -> 5 : ((t) > low(3) -> 4 : \
                 ((t) > low(2) -> 3 : ((t) > low(1) -> 2 : (t) > 0))))))
#else
#define size(t) ((t) > low(2) -> 3 : ((t) > low(1) -> 2 : (t) > 0))
#endif
#define entry(t, k) (((t) >> (BITS * (k))) & low(1))
#define cat(a, b) ((a) | ((b) << (BITS * size(a))))
#define prefix(a, b) (((b) & low(size(a))) == (a))

/* What the store says of a tree that is about to be signed, or was. */
#ifdef STORE_AT_SAME_SIZE
#define unknown(t) (size(seen_store) > size(t) || (size(seen_store) == size(t) && seen_store != t))
#elif defined(RETURN_UNASKED)
#define unknown(t) (!prefix(seen_store, t) && t != seen_check)
#else
#define unknown(t) (!prefix(seen_store, t) || size(seen_check) > size(seen_store))
#endif

/* Where an agent (a process of the ledger's machine) is. */
#define IDLE 0
#define TAKEN 1       /* has a batch and has read the head */
#define WRITTEN 2     /* its transaction is in the file, not synced; it holds the lock */
#define STORED 3      /* committed; not acknowledged */
#define P_STORED 4    /* the checkpoint store shows the new one, not synced; it holds the lock */
#define P_WRITTEN 5   /* the checkpoint is in the ledger's file, not synced; it holds the lock */
#define P_LATE 6      /* STORE_AFTER only */
#define E_FILES 7     /* tiles are written, not synced */
#define E_SYNCED 8
#define E_RENAMED 9   /* the exported checkpoint shows, not synced */
#define ASKED 10      /* a request is on its way to the witness */
#define COMPARED 11   /* WITNESS_TWO_STEPS only */
/* TRACE only: a call has begun, or has its answer and has not returned yet. */
#define PUBLISHING 12
#define PUBLISHED 13
#define EXPORTING 14
#define EXPORTED 15
#define REFUSED 16
#define FAILED 17
#define COSIGNED 18
#define NOT_COSIGNED 19
#define DEAD 20

/* The disk of the ledger's machine: what processes see, and what a power cut leaves. A ledger is its entries
   and its latest checkpoint. */
TREE seen_tree, seen_check, disk_tree, disk_check;
TREE new_tree, new_check;       /* of the transaction that is being committed */
byte lock = AGENTS;             /* who holds the ledger's write lock */
TREE seen_store, disk_store;    /* the checkpoint store */
TREE seen_tiles, disk_tiles, seen_export, disk_export;
TREE copy_tree, copy_check;     /* the backup */
#ifdef STORE_RESTORED
TREE copy_store;
#endif
/* The witness's machine; what it cosigned is synced before it answers. */
TREE cosigned;
#ifdef WITNESS_UNSYNCED
TREE cosigned_disk, given;
#else
#define given cosigned
#endif

byte pc[AGENTS];
TREE base[AGENTS];              /* the tree that it works on */
TREE bat[AGENTS];               /* its batch; for a request, the tree that the witness is believed to have */
TREE waiting[AGENTS];           /* adds that wait for its next transaction, in order */
#ifdef SIGN_MEMORY
TREE mem[AGENTS];               /* the tree that it believes to have written */
#endif

byte kills = KILLS, cuts = CUTS, failures = FAILURES, restores = RESTORES;
bit copied, restored, asked, refused, stopped;
byte unsent = low(0);           /* a bit for each submission that is still to come */

/* What the laws are about; no agent reads it. */
TREE issued;                    /* the largest checkpoint that has left a process */
byte acked[ENTRIES + 1];        /* index + 1 under which an entry was acknowledged, 0 before */

hidden byte i, j;
hidden TREE tree;
/* The laws, under the names that docs/model.md gives them. -DONLY=N_... leaves the others aside. */
hidden byte one_history, never_smaller, acknowledged_is_published, one_index, cosigned_is_prefix, cosigned_grows,
  tiles_cover, export_grows, no_false_alarm, all_gets_done, acknowledged_once, published_is_prefix;
#define N_one_history 1
#define N_never_smaller 2
#define N_acknowledged_is_published 3
#define N_one_index 4
#define N_cosigned_is_prefix 5
#define N_cosigned_grows 6
#define N_tiles_cover 7
#define N_export_grows 8
#define N_no_false_alarm 9
#define N_all_gets_done 10
#define N_acknowledged_once 11
#define N_published_is_prefix 12
#ifndef ONLY
#define ONLY 0
#endif

inline acknowledged_in(t, asked_for) {
  i = 1;
  do
  :: asked_for && i <= ENTRIES ->
       acknowledged_is_published = acked[i] == 0 || entry(t, acked[i] - 1) == i;
       must(acknowledged_is_published);
       i++
  :: else -> break
  od;
  i = 0
}

inline issue(t) {
  never_smaller = size(t) >= size(issued);
  must(never_smaller);
  one_history = prefix(issued, t);
  must(one_history);
  acknowledged_in(t, 1);
  issued = t
}

inline always() {
#ifndef FORGED  /* where the log's key is stolen, the witness alone keeps its word */
  published_is_prefix = prefix(issued, seen_tree) || (restored && unknown(seen_tree));
  must(published_is_prefix);
  cosigned_is_prefix = prefix(cosigned, seen_tree) || (restored && unknown(seen_tree));
  must(cosigned_is_prefix);
  tiles_cover = prefix(seen_export, seen_tiles);
  must(tiles_cover);
  no_false_alarm = restored || !(refused || stopped);
  must(no_false_alarm)
#else
  skip
#endif
}

inline entries_differ(t) {
  i = 0;
  do
  :: i < size(t) ->
       j = 0;
       do
       :: j < i ->
            one_index = entry(t, i) != entry(t, j);
            must(one_index);
            j++
       :: else -> break
       od;
       i++
  :: else -> break
  od
}

inline end(p) {
  pc[p] = IDLE; base[p] = 0; bat[p] = 0
}

/* A transaction becomes what others see. */
inline appear() {
  if
  :: new_check != seen_check -> issue(new_check)
  :: else
  fi;
  seen_tree = new_tree; seen_check = new_check;
  entries_differ(seen_tree);
  new_tree = 0; new_check = 0; lock = AGENTS
}

inline drop() {
  new_tree = 0; new_check = 0; lock = AGENTS
}

/* A commit of SQLite syncs all that is in its log, of whomever. */
inline sync() {
  disk_tree = seen_tree; disk_check = seen_check
}

/* Adding ------------------------------------------------------------------------------------------------- */

inline submit(p, id) {
  d_step { unsent & (1 << (id - 1)) ->
    unsent = unsent & ~(1 << (id - 1));
    waiting[p] = cat(waiting[p], id)
  }
}

inline acknowledge(p) {
  i = 0;
  do
  :: i < size(bat[p]) ->
#ifdef ACKNOWLEDGED_ONCE
       j = 1;
       do
       :: j <= ENTRIES ->
            acknowledged_once = acked[j] != size(base[p]) + i + 1;
            must(acknowledged_once);
            j++
       :: else -> break
       od;
#endif
       acked[entry(bat[p], i)] = size(base[p]) + i + 1;
       i++
  :: else -> break
  od
}

/* All that wait go into one transaction. */
inline take(p) {
  d_step { pc[p] == IDLE && waiting[p] != 0 ->
    bat[p] = waiting[p]; waiting[p] = 0; base[p] = seen_tree; pc[p] = TAKEN
  }
}

inline write(p) {
  d_step { pc[p] == TAKEN && lock == AGENTS ->
    if
#ifndef NO_CAS
    :: size(seen_tree) != size(base[p]) -> base[p] = seen_tree  /* the head has moved: once more */
#endif
    :: else ->
         lock = p; new_tree = cat(base[p], bat[p]); new_check = seen_check; pc[p] = WRITTEN;
#ifdef SIGN_MEMORY
         mem[p] = new_tree;
#endif
#ifdef ACK_BEFORE_SYNC
         acknowledge(p)
#endif
    fi
  }
}

inline commit(p) {
  d_step { pc[p] == WRITTEN ->
    appear();
    sync();
    pc[p] = STORED;
    always()
  }
}

inline ack(p) {
  d_step { pc[p] == STORED ->
#ifndef ACK_BEFORE_SYNC
    acknowledge(p);
#endif
    end(p)
  }
}

/* The commit gives an error. What it wrote is gone, or (kept) is found again by whoever opens the file next. */
inline fail(p, kept) {
  d_step { failures > 0 && (pc[p] == WRITTEN || pc[p] == P_WRITTEN) ->
    spend(failures);
    if
    :: kept -> appear()
    :: else -> drop()
    fi;
#ifdef RETRY_UNKNOWN
    if
    :: pc[p] == WRITTEN -> waiting[p] = cat(bat[p], waiting[p])
    :: else
    fi;
#endif
    returns_nothing(p, FAILED);
    always()
  }
}

/* Publishing --------------------------------------------------------------------------------------------- */

/* Under the write lock: reads back, asks the store, makes durable what was read, signs; the store shows it. */
inline publish(p) {
  d_step { called(p, PUBLISHING) && lock == AGENTS && goes_on &&
           (seen_tree != seen_check || may_return_the_old) ->
    asked = 0;
    tree = seen_tree;
#ifdef SIGN_MEMORY
    tree = (size(mem[p]) > size(seen_check) -> mem[p] : tree);
#endif
    if
    :: unknown(tree) -> returns_nothing(p, REFUSED); refused = 1
    :: else ->
         if
         :: tree == seen_check -> issue(tree); base[p] = tree; returns(p, PUBLISHED)
         :: else ->
              lock = p; base[p] = tree; pc[p] = P_STORED;
#ifndef SIGN_UNSYNCED
              sync();
#endif
#ifndef STORE_AFTER
#ifdef STORE_EQUAL_SKIPPED
              if
              :: seen_store == tree -> pc[p] = P_WRITTEN; new_tree = seen_tree; new_check = tree
              :: else
              fi;
#endif
              seen_store = tree
#endif
         fi
    fi;
    always()
  }
}

inline publish_write(p) {
  d_step { pc[p] == P_STORED ->
#ifndef STORE_AFTER
    disk_store = seen_store;
#endif
    new_tree = seen_tree; new_check = base[p]; pc[p] = P_WRITTEN
  }
}

inline publish_commit(p) {
  d_step { pc[p] == P_WRITTEN ->
    appear();
    sync();
#ifdef STORE_AFTER
    pc[p] = P_LATE;
#else
    returns(p, PUBLISHED);
#endif
    always()
  }
}

inline publish_late(p) {
  d_step { pc[p] == P_LATE ->
    seen_store = base[p]; disk_store = base[p];
    returns(p, PUBLISHED)
  }
}

/* Exporting ---------------------------------------------------------------------------------------------- */

/* A folder whose checkpoint is not the beginning of the ledger's is left alone. Where a power cut took what was seen
   before, that passes with the next checkpoint. */
#ifdef EXPORT_UNASKED
#define fits(exported, t) 1
#else
#define fits(exported, t) prefix(exported, t)
#endif

inline export(p) {
  d_step { called(p, EXPORTING) && seen_check != seen_export && fits(seen_export, seen_check) ->
    base[p] = seen_check; seen_tiles = seen_check; pc[p] = E_FILES;
    always()
  }
}

inline export_sync(p) {
#ifdef CHECKPOINT_BEFORE_TILES
  d_step { pc[p] == E_SYNCED -> disk_tiles = seen_tiles; end(p) }
#else
  d_step { pc[p] == E_FILES -> disk_tiles = seen_tiles; pc[p] = E_SYNCED }
#endif
}

inline export_rename(p) {
#ifdef CHECKPOINT_BEFORE_TILES
  d_step { pc[p] == E_FILES ->
#else
  d_step { pc[p] == E_SYNCED ->
#endif
    export_grows = prefix(seen_export, base[p]);
    must(export_grows);
    seen_export = base[p]; pc[p] = E_RENAMED;
    always()
  }
}

inline export_end(p) {
  d_step { pc[p] == E_RENAMED ->
    disk_export = seen_export;
#ifdef CHECKPOINT_BEFORE_TILES
    pc[p] = E_SYNCED
#else
    returns(p, EXPORTED)
#endif
  }
}

/* The witness -------------------------------------------------------------------------------------------- */

/* It has published, and shows that to the witness, which it believes to have what it has now. */
#ifdef FORGED
inline ask(p, t) {
  d_step { pc[p] == IDLE && cosigned != t -> base[p] = t; bat[p] = cosigned; pc[p] = ASKED }
}
#else
inline ask(p) {
  d_step { pc[p] == IDLE && seen_check == seen_tree && cosigned != seen_check && !stopped && !refused && !asked ->
    base[p] = seen_check; bat[p] = cosigned; pc[p] = ASKED
  }
}
#endif

inline cosign(p) {
  cosigned_grows = prefix(given, base[p]);
  must(cosigned_grows);
  given = base[p];
#ifdef WITNESS_UNSYNCED
  cosigned_disk = cosigned;
#endif
  cosigned = base[p];
  returns(p, COSIGNED)
}

/* One transaction: compare, store, answer. Another size than was believed is 409, and the log asks again; more
   than it has, or another tree, makes it stop for good. */
inline answer(p) {
  d_step { pc[p] == ASKED ->
    if
    :: size(cosigned) > size(base[p]) || (size(cosigned) == size(bat[p]) && !prefix(cosigned, base[p])) ->
         stopped = stopped || p == CLIENT; returns_nothing(p, NOT_COSIGNED)
    :: size(cosigned) <= size(base[p]) && size(cosigned) != size(bat[p]) -> returns_nothing(p, NOT_COSIGNED)
    :: size(cosigned) <= size(base[p]) && size(cosigned) == size(bat[p]) && prefix(cosigned, base[p]) ->
#ifdef WITNESS_TWO_STEPS
         pc[p] = COMPARED
#else
         cosign(p)
#endif
    fi;
    always()
  }
}

#ifdef WITNESS_UNSYNCED
inline witness_cut() {
  d_step { cuts > 0 -> cuts--; cosigned = cosigned_disk }
}
#endif

inline answer_late(p) {
  d_step { pc[p] == COMPARED ->
    cosign(p);
    always()
  }
}

/* What goes wrong ---------------------------------------------------------------------------------------- */

inline die(p) {
  waiting[p] = 0;
#ifdef SIGN_MEMORY
  mem[p] = 0;
#endif
  end(p)
}

/* A transaction that was written and not synced is gone, or (kept) is found by whoever opens the file next. */
inline killed(p, kept) {
  if
  :: lock == p && kept && new_tree != 0 -> appear()
#ifdef LOCK_KEPT
  :: lock == p && !(kept && new_tree != 0) -> new_tree = 0; new_check = 0
#else
  :: lock == p && !(kept && new_tree != 0) -> drop()
#endif
  :: else
  fi;
  die(p);
  always()
}

inline kill(p) {
  d_step { kills > 0 && (pc[p] != IDLE || waiting[p] != 0) -> kills--; killed(p, 0) }
}
inline kill_kept(p) {
  d_step { kills > 0 && (pc[p] == WRITTEN || pc[p] == P_WRITTEN) -> kills--; killed(p, 1) }
}

/* The client was killed or waited too long; what it sent is still on its way, and nobody waits for the answer. */
inline orphan() {
  d_step { kills > 0 && pc[CLIENT] != IDLE && pc[ORPHAN] == IDLE ->
    kills--;
    base[ORPHAN] = base[CLIENT]; bat[ORPHAN] = bat[CLIENT]; pc[ORPHAN] = pc[CLIENT];
    die(CLIENT)
  }
}

inline all_die() {
  j = 0;
  do
  :: j < AGENTS ->
       if
       :: j != ORPHAN -> die(j)
       :: else
       fi;
       j++
  :: else -> break
  od;
  drop()
}

/* A request gets lost, or the witness is killed before its commit: nothing comes of it. */
inline lose(p) {
  d_step { kills > 0 && pc[p] == ASKED -> kills--; end(p) }
}

/* What the system wrote back by itself before the cut is the steps below. */
inline power_cut() {
  d_step { cuts > 0 ->
    cuts--;
    all_die();
    seen_tree = disk_tree; seen_check = disk_check; seen_store = disk_store;
    seen_tiles = disk_tiles; seen_export = disk_export;
    always()
  }
}
inline write_back() {
  d_step { seen_tree != disk_tree || seen_check != disk_check -> sync() }
}
inline write_back_store() {
  d_step { seen_store != disk_store -> disk_store = seen_store }
}

inline back_up() {
  d_step { restores > 0 && !copied && lock == AGENTS ->
#ifdef STORE_RESTORED
    copy_store = seen_store;
#endif
    copied = 1; copy_tree = seen_tree; copy_check = seen_check
  }
}

/* The operator stops all and puts the copy in the ledger's place. An acknowledged entry that no checkpoint covers
   is lost with nobody's knowledge: docs/model.md says so, and nothing here can know. */
inline put_back() {
  all_die();
  i = 1;
  do
  :: i <= ENTRIES ->
       acked[i] = (acked[i] != 0 && entry(issued, acked[i] - 1) != i -> 0 : acked[i]);
       i++
  :: else -> break
  od;
  restored = 1; asked = 1; refused = 0;
  seen_tree = copy_tree; seen_check = copy_check; copied = 0; copy_tree = 0; copy_check = 0;
  sync();
#ifdef STORE_RESTORED
  seen_store = copy_store; disk_store = copy_store; copy_store = 0;
#endif
  always()
}
inline restore() {
  d_step { restores > 0 && copied -> restores--; put_back() }
}

/* From here on nothing goes wrong any more: what began must come to its end. */
inline calm() {
  d_step { kills + cuts + failures + restores > 0 ->
    kills = 0; cuts = 0; failures = 0; restores = 0; copied = 0; copy_tree = 0; copy_check = 0
  }
}

#ifdef TRACE
/* A trace is accepted if some run of the steps above gives its events in their order. replay.py writes them to a
   file: what happened, to which agent, and two values. Between two events agents take steps that
   nobody sees. ADD is a batch; OFFER, an entry for the committer of agent 0, and nobody sees when it comes into the
   queue. Acceptance is told as an error: spin finds what it looks for. */
#define ROUND 0
#define ADD 1
#define ACKNOWLEDGED 2
#define ADD_FAILED 3
#define PUBLISH 4
#define HAS_PUBLISHED 5
#define NOT_PUBLISHED 6
#define EXPORT 7
#define HAS_EXPORTED 8
#define NOT_EXPORTED 9
#define ASK 10
#define ANSWER 11
#define KILLING 12
#define KILLED 13
#define BACKUP 14
#define RESTORED 15
#define READ 16
#define OFFER 17

c_decl {
static int EVENTS[32000][4];
static int length, furthest;
/* A line an event; behind the last there is none: 255. */
static void read_events(void) {
  FILE* file = fopen("events", "r");
  if (file == NULL) exit(1);
  while (length < 31999 && fscanf(file, "%d %d %d %d", &EVENTS[length][0], &EVENTS[length][1], &EVENTS[length][2],
                                  &EVENTS[length][3]) == 4)
    ++length;
  EVENTS[length][0] = 255;
  fclose(file);
}
}

short at;
byte what, who;
int first, second;
bit doomed[AGENTS];

inline load() {
  c_code {
    if (now.at > furthest) { furthest = now.at; printf("reached %d\n", furthest); }
    now.what = EVENTS[now.at][0]; now.who = EVENTS[now.at][1];
    now.first = EVENTS[now.at][2]; now.second = EVENTS[now.at][3];
  }
}
inline next() {
  at++; load()
}

#define sees(event, p) (what == event && who == p)

inline begin_of_round() {
  d_step { what == ROUND ->
    all_die();
    seen_tree = 0; seen_check = 0; seen_store = 0; seen_tiles = 0; seen_export = 0;
    disk_tree = 0; disk_check = 0; disk_store = 0; disk_tiles = 0; disk_export = 0;
    copy_tree = 0; copy_check = 0; copied = 0; restored = 0; asked = 0; refused = 0; stopped = 0;
    cosigned = 0; issued = 0; unsent = 0; failures = 1;
    i = 0;
    do
    :: i <= ENTRIES -> acked[i] = 0; i++
    :: else -> break
    od;
    next()
  }
}

inline observed(p) {
  if
  :: d_step { sees(ADD, p) -> waiting[p] = cat(waiting[p], first); next() }
  :: d_step { p == 0 && sees(OFFER, p) -> unsent = unsent | (1 << (first - 1)); next() }
  :: d_step { sees(ACKNOWLEDGED, p) && pc[p] == STORED && second >= size(base[p]) &&
              entry(bat[p], second - size(base[p])) == first -> acked[first] = second + 1; next() }
  :: d_step { sees(ADD_FAILED, p) && (pc[p] == FAILED || pc[p] == TAKEN) -> end(p); next() }
  :: d_step { sees(PUBLISH, p) && pc[p] == IDLE -> pc[p] = PUBLISHING; next() }
  :: d_step { sees(HAS_PUBLISHED, p) && pc[p] == PUBLISHED && base[p] == first -> end(p); next() }
  :: d_step { sees(NOT_PUBLISHED, p) && (pc[p] == REFUSED || pc[p] == FAILED) -> end(p); next() }
  :: d_step { sees(EXPORT, p) && pc[p] == IDLE -> pc[p] = EXPORTING; next() }
  :: d_step { sees(HAS_EXPORTED, p) && pc[p] == EXPORTED && base[p] == first -> end(p); next() }
  :: d_step { sees(NOT_EXPORTED, p) && pc[p] == REFUSED -> end(p); next() }
  :: d_step { sees(ASK, p) && pc[p] == IDLE && first != 0 && prefix(first, issued) ->
              base[p] = first; bat[p] = first & low(second); pc[p] = ASKED; next() }
  :: d_step { sees(ANSWER, p) && ((pc[p] == COSIGNED && first == 200) || (pc[p] == NOT_COSIGNED && first != 200)) ->
              end(p); next() }
  :: d_step { sees(KILLING, p) -> doomed[p] = 1; next() }
  :: d_step { sees(KILLED, p) && pc[p] == DEAD -> doomed[p] = 0; end(p); next() }
  fi
}

inline unseen(p) {
  if
  :: take(p)
  :: write(p)
  :: commit(p)
  :: d_step { pc[p] == STORED -> end(p) }
  :: fail(p, 0)
  :: fail(p, 1)
  :: publish(p)
  :: publish_write(p)
  :: publish_commit(p)
  :: export(p)
  :: d_step { pc[p] == EXPORTING && seen_check == seen_export -> base[p] = seen_check; pc[p] = EXPORTED }
  :: d_step { pc[p] == EXPORTING && !fits(seen_export, seen_check) -> pc[p] = REFUSED }
  :: export_sync(p)
  :: export_rename(p)
  :: export_end(p)
  :: answer(p)
  :: d_step { doomed[p] && pc[p] != DEAD -> killed(p, 0); pc[p] = DEAD; unsent = (p == 0 -> 0 : unsent) }
  :: d_step { doomed[p] && (pc[p] == WRITTEN || pc[p] == P_WRITTEN) -> killed(p, 1); pc[p] = DEAD;
              unsent = (p == 0 -> 0 : unsent) }
  fi
}

init {
  c_code { read_events(); };
  load();
  do
  :: begin_of_round()
  :: observed(0) :: observed(1) :: observed(2)
  :: unseen(0) :: unseen(1) :: unseen(2)
  :: submit(0, 1) :: submit(0, 2) :: submit(0, 3) :: submit(0, 4) :: submit(0, 5) :: submit(0, 6) :: submit(0, 7)
  :: d_step { what == BACKUP && seen_tree == first && seen_check == second && lock == AGENTS ->
              copied = 1; copy_tree = first; copy_check = second; next() }
  :: d_step { what == RESTORED && copied -> put_back(); next() }
  :: d_step { what == READ && seen_tree == first && seen_check == second -> next() }
  :: d_step { c_expr { now.at == length } -> assert(false) }
  od
}
#else

/* What must be reachable, or the laws would hold of nothing: -DREACH=... looks for it (without calm, a budget
   that is zero was spent). */
#define AFTER_CRASHES (kills == 0 && cuts == 0 && acked[1] && acked[2] && acked[3] && size(issued) == 3)
#define AFTER_RESTORE (restored && !refused && restores == 0 && size(issued) == 3)
#define OLD_COPY_REFUSED (restored && refused)
#define GROUPED (pc[0] == WRITTEN && size(bat[0]) == 2)
#define ALL_COSIGNED (kills == 0 && cuts == 0 && size(cosigned) == 3)
#define ALL_EXPORTED (kills == 0 && cuts == 0 && size(seen_export) == 3)

init {
  unsent = low(0) | ((1 << ENTRIES) - 1);
#ifdef FORGED
  /* Whoever stole the log's key asks the witness: every tree of up to two entries. */
  kills = 0; cuts = 1; failures = 0; restores = 0; restored = 1; unsent = 0;
  do
  :: ask(CLIENT, 1) :: ask(CLIENT, 2) :: ask(CLIENT, cat(1, 2)) :: ask(CLIENT, cat(1, 3)) :: ask(CLIENT, cat(2, 1))
  :: ask(ORPHAN, 1) :: ask(ORPHAN, 2) :: ask(ORPHAN, cat(1, 2)) :: ask(ORPHAN, cat(1, 3)) :: ask(ORPHAN, cat(2, 1))
  :: answer(CLIENT) :: answer(ORPHAN)
#ifdef WITNESS_UNSYNCED
  :: witness_cut()
#endif
#ifdef WITNESS_TWO_STEPS
  :: answer_late(CLIENT) :: answer_late(ORPHAN)
#endif
  :: d_step { stopped -> stopped = 0 }
  od
#else
  do
#ifdef REACH
  :: d_step { REACH -> assert(false) }
#endif
  :: submit(0, 1) :: submit(0, 2) :: submit(1, 3)
  :: take(0) :: take(1)
  :: write(0) :: write(1)
  :: commit(0) :: commit(1)
  :: ack(0) :: ack(1)
  :: fail(0, 0) :: fail(1, 0) :: fail(0, 1) :: fail(1, 1)
  :: publish(0) :: publish(1)
  :: publish_write(0) :: publish_write(1)
  :: publish_commit(0) :: publish_commit(1)
#ifdef STORE_AFTER
  :: publish_late(0) :: publish_late(1)
#endif
#ifdef EXPORTS
  :: export(EXPORTER) :: export_sync(EXPORTER) :: export_rename(EXPORTER) :: export_end(EXPORTER) :: kill(EXPORTER)
#endif
#ifdef WITNESS
  :: ask(CLIENT) :: answer(CLIENT) :: orphan() :: answer(ORPHAN) :: lose(CLIENT) :: lose(ORPHAN)
#endif
#ifdef WITNESS_TWO_STEPS
  :: answer_late(CLIENT) :: answer_late(ORPHAN)
#endif
  :: kill(0) :: kill(1)
  :: kill_kept(0) :: kill_kept(1)
  :: power_cut() :: write_back() :: write_back_store()
  :: back_up() :: restore()
#ifndef REACH
  :: calm()
#endif
  :: else -> break
  od;
  skip;
  d_step {
    all_gets_done = (restored && refused) ||
                    (seen_tree == seen_check
#ifdef EXPORTS
                     && seen_export == seen_check
#endif
#ifdef WITNESS
                     && cosigned == seen_check
#endif
                    );
    must(all_gets_done);
    acknowledged_in(seen_check, !refused)
  }
#endif
}
#endif
