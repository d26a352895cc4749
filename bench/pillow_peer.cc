// Pillow, in a Python of our own: the image is made once, the call is timed.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/peers.h"

namespace imageadapt::bench {
namespace {

struct Release {
  void operator()(PyObject* object) const { Py_XDECREF(object); }
};
using PyPointer = std::unique_ptr<PyObject, Release>;

// The names that our Python code knows, or null if there is no Pillow.
PyObject* Names() {
  static PyObject* const kNames = []() -> PyObject* {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    // The system's own, whatever stands first in PATH.
    PyConfig_SetString(&config, &config.program_name, L"/usr/bin/python3");
    const PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) return nullptr;
    PyObject* const names = PyDict_New();
    PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins());
    // Blocks are kept, so that results do not lie in fresh pages.
    const PyPointer done(
        PyRun_String("from PIL import Image, ImageFilter\n"
                     "Image.core.set_blocks_max(64)\n",
                     Py_file_input, names, names));
    if (done == nullptr) {
      PyErr_Clear();
      return nullptr;
    }
    return names;
  }();
  return kNames;
}

// Pillow's name for such pixels, or null.
const char* Mode(const Job& job) {
  const ImageSpec spec = job.source.spec();
  if (job.operation.kind == Kind::kHsvToRgb) {
    return spec.sample_type == SampleType::kU8 ? "HSV" : nullptr;
  }
  switch (spec.sample_type) {
    case SampleType::kU8:
      return spec.shape.channels == 1   ? "L"
             : spec.shape.channels == 3 ? "RGB"
                                        : "RGBA";
    case SampleType::kU16:
      // Its rotation takes such samples apart into bytes.
      if (job.operation.kind == Kind::kRotate) return nullptr;
      return spec.shape.channels == 1 ? "I;16" : nullptr;
    case SampleType::kF32:
      return spec.shape.channels == 1 ? "F" : nullptr;
  }
  return nullptr;
}

// What is called, as Python; empty if there is no such operation.
std::string Expression(const Job& job) {
  const uint32_t parameter = job.operation.parameter;
  switch (job.operation.kind) {
    case Kind::kQuarterTurn:
      return absl::StrCat("image.transpose(Image.Transpose.ROTATE_",
                          90 * parameter, ")");
    case Kind::kMirror:
      return "image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)";
    case Kind::kMean:
      return absl::StrCat("image.filter(ImageFilter.BoxBlur(", parameter / 2,
                          "))");
    case Kind::kMedian:
      return absl::StrCat("image.filter(ImageFilter.MedianFilter(", parameter,
                          "))");
    case Kind::kRotate:
      switch (job.operation.resampling) {
        case Resampling::kBilinear:
          return absl::StrCat("image.rotate(", parameter,
                              ", Image.Resampling.BILINEAR)");
        case Resampling::kBicubic:
          return absl::StrCat("image.rotate(", parameter,
                              ", Image.Resampling.BICUBIC)");
        default:
          return "";
      }
    case Kind::kRgbToHsv:
      return "image.convert('HSV')";
    case Kind::kHsvToRgb:
      return "image.convert('RGB')";
    case Kind::kQuarterTurnInPlace:
    case Kind::kMirrorInPlace:
      break;
  }
  return "";
}

PyPointer MakePyImage(const Job& job, const char* mode) {
  const ImageSpec spec = job.source.spec();
  const PyPointer bytes(PyBytes_FromStringAndSize(
      reinterpret_cast<const char*>(job.source.row_bytes(0).data()),
      static_cast<Py_ssize_t>(RowBytes(spec) * spec.shape.height)));
  PyObject* const module = PyDict_GetItemString(Names(), "Image");
  return PyPointer(PyObject_CallMethod(module, "frombytes", "s(II)O", mode,
                                       spec.shape.width, spec.shape.height,
                                       bytes.get()));
}

Agreement AgreementOf(const Job& job) {
  const double step = OneStep(job.source.sample_type());
  switch (job.operation.kind) {
    case Kind::kMean:
      return {.most = 1.01 * step};
    case Kind::kRotate:
      // It weights colour by an alpha of eight bits.
      return {.mean = job.source.shape().channels == 4 ? 0.02 : 0.004};
    case Kind::kRgbToHsv:
      return {.most = 3.01 * step};
    case Kind::kHsvToRgb:
      return {.most = 6.01 * step};
    default:
      return kExactly;
  }
}

struct State {
  PyPointer call;
  PyPointer image;
  PyPointer bytes;
  ImageSpec spec;

  AnyConstImageView Result() {
    bytes.reset(PyObject_CallMethod(image.get(), "tobytes", nullptr));
    const void* const data = PyBytes_AsString(bytes.get());
    const auto view = [&]<typename T>(T) {
      return AnyConstImageView(ImageView<const T>(
          static_cast<const T*>(data), spec.shape, RowSamples(spec.shape)));
    };
    switch (spec.sample_type) {
      case SampleType::kU8:
        return view(uint8_t{});
      case SampleType::kU16:
        return view(uint16_t{});
      case SampleType::kF32:
        break;
    }
    return view(float{});
  }
};

}  // namespace

std::string PillowVersion() {
  if (Names() == nullptr) return "";
  const PyPointer text(PyRun_String("__import__('PIL').__version__",
                                    Py_eval_input, Names(), Names()));
  if (text == nullptr) PyErr_Clear();
  const char* const version =
      text == nullptr ? nullptr : PyUnicode_AsUTF8(text.get());
  return version == nullptr ? "" : version;
}

std::optional<Contender> MakePillow(const Job& job) {
  const char* const mode = Mode(job);
  const std::string expression = Expression(job);
  if (mode == nullptr || expression.empty() || Names() == nullptr) {
    return std::nullopt;
  }
  const PyPointer image = MakePyImage(job, mode);
  const auto state = std::make_shared<State>();
  state->spec = job.result_spec();
  if (image != nullptr) {
    // Each call has its image as a default of its own.
    PyDict_SetItemString(Names(), "image", image.get());
    state->call.reset(
        PyRun_String(absl::StrCat("lambda image=image: ", expression).c_str(),
                     Py_eval_input, Names(), Names()));
    PyDict_DelItemString(Names(), "image");
    // Whether it can do it with such pixels, it only says when it is called.
    if (state->call != nullptr) {
      state->image.reset(PyObject_CallNoArgs(state->call.get()));
    }
  }
  if (state->image == nullptr) {
    PyErr_Clear();
    return std::nullopt;
  }
  const auto run = [state] {
    // First, so that its memory is used again.
    state->image.reset();
    state->image.reset(PyObject_CallNoArgs(state->call.get()));
  };
  return Contender{.prepare = nullptr,
                   .run = run,
                   .result = [state] { return state->Result(); },
                   .agreement = AgreementOf(job)};
}

}  // namespace imageadapt::bench
