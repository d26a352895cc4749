// Pillow, in a Python of our own.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "bench/codec_contender.h"

namespace imageadapt::bench {
namespace {

struct Release {
  void operator()(PyObject* object) const { Py_XDECREF(object); }
};
using PyPointer = std::unique_ptr<PyObject, Release>;

// The names that our Python code knows, or null if there is no Pillow.
PyObject* Names() {
  static PyObject* const kNames = []() -> PyObject* {
    if (Py_IsInitialized() == 0) {
      PyConfig config;
      PyConfig_InitIsolatedConfig(&config);
      // The system's own, whatever stands first in PATH.
      PyConfig_SetString(&config, &config.program_name, L"/usr/bin/python3");
      const PyStatus status = Py_InitializeFromConfig(&config);
      PyConfig_Clear(&config);
      if (PyStatus_Exception(status) != 0) return nullptr;
    }
    PyObject* const names = PyDict_New();
    PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins());
    const PyPointer done(
        PyRun_String("from io import BytesIO\n"
                     "from PIL import Image\n"
                     "def turn(file, format, options):\n"
                     "  result = BytesIO()\n"
                     "  image = Image.open(BytesIO(file))\n"
                     "  turned = image.transpose(Image.Transpose.ROTATE_90)\n"
                     "  turned.save(result, format, **options)\n"
                     "  return result.getvalue()\n",
                     Py_file_input, names, names));
    if (done == nullptr) {
      PyErr_Clear();
      return nullptr;
    }
    return names;
  }();
  return kNames;
}

struct State {
  PyPointer file;
  PyPointer options;
  PyPointer bytes;
};

}  // namespace

std::optional<CodecContender> MakePillowCodec(const CodecRow& row,
                                              std::span<const std::byte> file) {
  if (Names() == nullptr) return std::nullopt;
  const bool is_jpeg = row.format == CodecRow::Format::kJpeg;
  const auto state = std::make_shared<State>();
  state->file.reset(
      PyBytes_FromStringAndSize(reinterpret_cast<const char*>(file.data()),
                                static_cast<Py_ssize_t>(file.size())));
  state->options.reset(is_jpeg ? Py_BuildValue("{s:i}", "quality", kJpegQuality)
                               : PyDict_New());
  const auto run = [state, is_jpeg] {
    state->bytes.reset();
    state->bytes.reset(PyObject_CallFunction(
        PyDict_GetItemString(Names(), "turn"), "OsO", state->file.get(),
        is_jpeg ? "JPEG" : "PNG", state->options.get()));
    if (state->bytes == nullptr) PyErr_Clear();
  };
  const auto result = [state]() -> std::span<const std::byte> {
    if (state->bytes == nullptr) return {};
    return {reinterpret_cast<const std::byte*>(
                PyBytes_AsString(state->bytes.get())),
            static_cast<size_t>(PyBytes_Size(state->bytes.get()))};
  };
  return CodecContender{.run = run, .result = result};
}

}  // namespace imageadapt::bench
