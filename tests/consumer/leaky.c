/* A library that exports what it should not: the control of exported_symbols.sh. */
__attribute__((visibility("default"))) int sigillo_fine(void);
__attribute__((visibility("default"))) int not_ours(void);
int sigillo_fine(void) { return 0; }
int not_ours(void) { return 0; }
