#!/bin/sh
# check_kernel.sh NVCC ROOT ARCHITECTURES FLAGS: compiles gumbel_choose.cu for each architecture and reads what ptxas says.
# Fails on a spill, on a kernel over its register budget, on a missing report, and if the PTX has no 16-byte load.
nvcc=$1 root=$2 architectures=$(echo "$3" | tr ';' ' ') flags=$(echo "$4" | tr ';' ' ')
if [ -z "$nvcc" ]; then
  echo "skipped: this build has no nvcc (SIGILLO_CUDA=OFF, or the CUDA Toolkit is not installed)"
  exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
source=$root/watermark/kernels/gumbel_choose.cu
failed=0

for architecture in $architectures; do
  if ! $nvcc $flags -I"$root" -cubin -arch=sm_$architecture -Xptxas -v "$source" -o "$work/k.cubin" >"$work/log" 2>&1; then
    cat "$work/log"; echo "FAIL: nvcc refuses the kernel for sm_$architecture"; exit 1
  fi
  # Budgets: 48 registers let an SM hold 1280 threads of gumbel_choose (65536 / 48, in blocks of 256).
  awk -v arch="sm_$architecture" '
    /Compiling entry function/ { kernel = ""; if ($0 ~ /gumbel_choose_kernel/) kernel = "gumbel_choose_kernel";
                                 if ($0 ~ /gumbel_finish_kernel/) kernel = "gumbel_finish_kernel";
                                 if (kernel == "") { print "FAIL: a kernel without a budget: " $0; bad = 1 } }
    /bytes spill stores/ && kernel != "" {
      stack = $1; stores = $5; loads = $9; spilled[kernel] = 1
      if (stack + stores + loads != 0) { print "FAIL: " arch " " kernel ": " $0; bad = 1 } }
    /Used [0-9]+ registers/ && kernel != "" {
      for (i = 1; i <= NF; ++i) if ($i == "Used") registers = $(i + 1) + 0
      used[kernel] = registers; print arch " " kernel ": " registers " registers"
      if (registers < 1 || registers > 48) { print "FAIL: over the budget of 48"; bad = 1 } }
    END { for (i = split("gumbel_choose_kernel gumbel_finish_kernel", names, " "); i > 0; --i)
            if (!(names[i] in used) || !(names[i] in spilled)) { print "FAIL: no report on " names[i] " for " arch; bad = 1 }
          exit bad }' "$work/log" || failed=1
  $nvcc $flags -I"$root" -ptx -arch=compute_$architecture "$source" -o "$work/k.ptx" || exit 1
  wide=$(grep -c 'ld\.global.*\.v4\.[a-z]32' "$work/k.ptx")
  echo "sm_$architecture: $wide 16-byte loads in the PTX"
  [ "$wide" -ge 1 ] || { echo "FAIL: no 16-byte load"; failed=1; }
  if grep -Eq 'fma\.rn\.f(32|64)' "$work/k.ptx"; then echo "FAIL: a fused multiply-add"; failed=1; fi
done
exit $failed
