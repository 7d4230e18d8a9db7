# CUDA is optional. SIGILLO_CUDA=AUTO compiles the kernels where nvcc is found; ON demands it; OFF leaves it.
#
# Kernels are compiled by a custom command, not by CMake's CUDA language: CMake 3.25 knows no CUDA C++20 and no nvcc 13.
set(SIGILLO_CUDA AUTO CACHE STRING "compile the CUDA kernels with nvcc: AUTO, ON or OFF")
set_property(CACHE SIGILLO_CUDA PROPERTY STRINGS AUTO ON OFF)
set(SIGILLO_CUDA_ARCHITECTURES 80 90 120 CACHE STRING "compute capabilities to compile for")

set(SIGILLO_NVCC_FLAGS -std=c++20 -fmad=false -Werror all-warnings -Xcompiler -Wall,-Wextra,-Werror)

set(SIGILLO_HAVE_NVCC OFF)
if(NOT SIGILLO_CUDA STREQUAL "OFF")
  find_program(SIGILLO_NVCC nvcc HINTS /usr/local/cuda/bin)
  if(SIGILLO_NVCC)
    set(SIGILLO_HAVE_NVCC ON)
    string(REPLACE ";" ", sm_" shown_architectures "${SIGILLO_CUDA_ARCHITECTURES}")
    message(STATUS "nvcc found: CUDA kernels are compiled for sm_${shown_architectures}")
  elseif(SIGILLO_CUDA STREQUAL "ON")
    message(FATAL_ERROR "SIGILLO_CUDA=ON, but nvcc is not on PATH: install the CUDA Toolkit or use OFF")
  else()
    message(STATUS "nvcc not found: CUDA kernels are not compiled by nvcc; the host back end and the emulator are")
  endif()
else()
  message(STATUS "SIGILLO_CUDA=OFF: CUDA kernels are not compiled by nvcc; the host back end and the emulator are")
endif()

if(SIGILLO_HAVE_NVCC)
  # The runtime is linked statically: a machine without a driver still starts the program, and is told that there is no device.
  find_package(Threads REQUIRED)
  get_filename_component(nvcc_real ${SIGILLO_NVCC} REALPATH)
  get_filename_component(nvcc_bin ${nvcc_real} DIRECTORY)
  find_path(SIGILLO_CUDA_INCLUDE cuda_runtime.h REQUIRED
            HINTS ${nvcc_bin}/../include ${nvcc_bin}/../targets/x86_64-linux/include)
  find_library(SIGILLO_CUDART cudart_static REQUIRED
               HINTS ${nvcc_bin}/../lib64 ${nvcc_bin}/../targets/x86_64-linux/lib)
  add_library(sigillo_cudart INTERFACE)
  target_include_directories(sigillo_cudart SYSTEM INTERFACE ${SIGILLO_CUDA_INCLUDE})
  target_link_libraries(sigillo_cudart INTERFACE ${SIGILLO_CUDART} Threads::Threads ${CMAKE_DL_LIBS} rt)
endif()

# sigillo_cuda_kernels(TARGET SOURCES...): compiles each .cu for every architecture and adds the objects to the target.
function(sigillo_cuda_kernels target)
  set(generate)
  foreach(architecture IN LISTS SIGILLO_CUDA_ARCHITECTURES)
    list(APPEND generate -gencode arch=compute_${architecture},code=sm_${architecture})
  endforeach()
  list(GET SIGILLO_CUDA_ARCHITECTURES -1 newest)
  list(APPEND generate -gencode arch=compute_${newest},code=compute_${newest})  # PTX, for devices to come
  foreach(source IN LISTS ARGN)
    get_filename_component(name ${source} NAME_WE)
    get_filename_component(path ${source} ABSOLUTE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.cu.o)
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${SIGILLO_NVCC} ${SIGILLO_NVCC_FLAGS} -O2 -Xcompiler -fPIC,-fvisibility=hidden,-fstack-protector-strong
              ${generate} -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/include -MD -MF ${object}.d
              -c ${path} -o ${object}
      DEPENDS ${path}
      DEPFILE ${object}.d
      COMMENT "nvcc ${source}"
      COMMAND_EXPAND_LISTS VERBATIM)
    target_sources(${target} PRIVATE ${object})
    set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  endforeach()
  target_link_libraries(${target} PRIVATE sigillo_cudart)
endfunction()
