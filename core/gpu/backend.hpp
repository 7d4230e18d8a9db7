// Back ends: where kernels run. Names no CUDA type.
//
// The list is in order of preference: "cuda" (compiled in, a driver and a device present), then
// "host" (always there). A caller may force one by name; a forced back end is used or refused,
// never replaced by another. Tests add "emu", which is not listed.
#pragma once

#include <memory>
#include <vector>

#include "sigillo/core/result.hpp"

namespace sigillo::core::gpu {

struct Backend {
  std::string_view name;      // "cuda", "host"
  bool available = false;     // usable in this process, now
  std::string_view detail{};  // if not available: why, as a clause
  std::string_view remedy{};  // if not available: what to do
};

// The back ends of this build, best first. The device is looked for once a process. Thread-safe.
[[nodiscard]] const std::vector<Backend>& backends();

// select_backend picks by name from `list`; "auto" takes the first available. Unknown or
// unavailable: device_unavailable, with the reason and the names that would do.
[[nodiscard]] Result<Backend> select_backend(const std::vector<Backend>& list,
                                             std::string_view name);
[[nodiscard]] Result<Backend> select_backend(std::string_view name);

// Device is one accelerator with one stream of its own. Calls are ordered on the stream; download
// and synchronize wait for it. Not thread-safe: one per thread. Every error of the runtime is
// device_unavailable with the runtime's own words.
class Device {
 public:
  virtual ~Device() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Result<void*> allocate(
      std::size_t bytes) = 0;  // 256-byte aligned; bytes > 0
  virtual void release(void* memory) noexcept = 0;
  [[nodiscard]] virtual Status upload(void* to, const void* from, std::size_t bytes) = 0;
  [[nodiscard]] virtual Status download(void* to, const void* from, std::size_t bytes) = 0;
  [[nodiscard]] virtual Status synchronize() = 0;
  [[nodiscard]] virtual Status check(int error_number, std::string_view action) const = 0;
  [[nodiscard]] virtual void* stream() const = 0;  // a cudaStream_t
  [[nodiscard]] virtual int resident_blocks()
      const = 0;  // blocks of 256 threads that run at once, about
};

// Buffer owns `count` elements of device memory.
template <class T>
class Buffer {
 public:
  [[nodiscard]] static Result<Buffer> create(Device& device, std::size_t count) {
    if (count == 0) return Buffer(device, nullptr);
    SIGILLO_TRY(void* memory, device.allocate(count * sizeof(T)));
    return Buffer(device, static_cast<T*>(memory));
  }
  // The device copy of host memory; a null or empty source gives a null buffer.
  [[nodiscard]] static Result<Buffer> copy_of(Device& device, const T* source, std::size_t count) {
    SIGILLO_TRY(Buffer buffer, create(device, source == nullptr ? 0 : count));
    if (buffer.data_ != nullptr) {
      SIGILLO_TRY_VOID(device.upload(buffer.data_, source, count * sizeof(T)));
    }
    return buffer;
  }
  Buffer(Buffer&& other) noexcept
      : device_(other.device_), data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) device_->release(data_);
  }
  [[nodiscard]] T* data() const { return data_; }

 private:
  Buffer(Device& device, T* data) : device_(&device), data_(data) {}
  Device* device_;
  T* data_;
};

}  // namespace sigillo::core::gpu
