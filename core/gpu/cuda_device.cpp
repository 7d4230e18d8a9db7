#include "core/gpu/cuda_device.hpp"

#include <cuda_runtime.h>

namespace sigillo::core::gpu::SIGILLO_DEVICE_NAMESPACE {
namespace {

#define SIGILLO_NAME_OF_(name) #name
#define SIGILLO_NAME_OF(name) SIGILLO_NAME_OF_(name)
constexpr std::string_view kName = SIGILLO_NAME_OF(SIGILLO_DEVICE_NAMESPACE);

Status checked(cudaError_t error, std::string_view action) {
  if (error == cudaSuccess) return {};
  return Error{ErrorCode::device_unavailable,
               std::string(kName) + ": " + std::string(action) + ": " + cudaGetErrorString(error),
               "use the back end \"host\", or check the driver with nvidia-smi"};
}

class CudaDevice final : public Device {
 public:
  CudaDevice(cudaStream_t stream, int resident_blocks)
      : stream_(stream), resident_blocks_(resident_blocks) {}
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;
  ~CudaDevice() override { (void)cudaStreamDestroy(stream_); }

  [[nodiscard]] std::string_view name() const override { return kName; }
  [[nodiscard]] Result<void*> allocate(std::size_t bytes) override {
    void* memory = nullptr;
    SIGILLO_TRY_VOID(checked(cudaMalloc(&memory, bytes), "cannot allocate device memory"));
    return memory;
  }
  void release(void* memory) noexcept override { (void)cudaFree(memory); }
  [[nodiscard]] Status upload(void* to, const void* from, std::size_t bytes) override {
    return checked(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_),
                   "cannot copy to the device");
  }
  [[nodiscard]] Status download(void* to, const void* from, std::size_t bytes) override {
    SIGILLO_TRY_VOID(checked(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_),
                             "cannot copy from the device"));
    return synchronize();
  }
  [[nodiscard]] Status synchronize() override {
    return checked(cudaStreamSynchronize(stream_), "a kernel failed");
  }
  [[nodiscard]] Status check(int error_number, std::string_view action) const override {
    return checked(static_cast<cudaError_t>(error_number), action);
  }
  [[nodiscard]] void* stream() const override { return stream_; }
  [[nodiscard]] int resident_blocks() const override { return resident_blocks_; }

 private:
  cudaStream_t stream_;
  int resident_blocks_;
};

}  // namespace

Status probe() {
  int count = 0;
  SIGILLO_TRY_VOID(checked(cudaGetDeviceCount(&count), "no usable device"));
  if (count > 0) return {};
  return Error{ErrorCode::device_unavailable, std::string(kName) + ": no device is visible",
               "use the back end \"host\", or set CUDA_VISIBLE_DEVICES"};
}

Result<std::unique_ptr<Device>> open_device() {
  SIGILLO_TRY_VOID(probe());
  SIGILLO_TRY_VOID(checked(cudaSetDevice(0), "cannot use device 0"));
  int processors = 0, threads = 0;
  SIGILLO_TRY_VOID(checked(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0),
                           "cannot read an attribute"));
  SIGILLO_TRY_VOID(
      checked(cudaDeviceGetAttribute(&threads, cudaDevAttrMaxThreadsPerMultiProcessor, 0),
              "cannot read an attribute"));
  cudaStream_t stream = nullptr;
  SIGILLO_TRY_VOID(
      checked(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cannot create a stream"));
  return std::unique_ptr<Device>(
      std::make_unique<CudaDevice>(stream, processors * (threads / 256)));
}

}  // namespace sigillo::core::gpu::SIGILLO_DEVICE_NAMESPACE
