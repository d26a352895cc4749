#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/rpc/inflate_message.h"
#include "imageadapt/rpc/legacy/nlimage_message.h"
#include "imageadapt/rpc/status_mapping.h"
#include "imageadapt/rpc/v1/process_image_message.h"
#include "imageadapt/rpc/wire_reader.h"
#include "imageadapt/v1/rich_error.pb.h"
#include "nlimage.pb.h"

namespace imageadapt {
namespace {

// A rope over a copy of `bytes` that is cut at `cut`.
struct CutRope {
  CutRope(const std::string& bytes, size_t cut)
      : first(bytes.substr(0, cut)), second(bytes.substr(cut)) {
    rope.Append(std::as_bytes(std::span(first)));
    rope.Append(std::as_bytes(std::span(second)));
  }
  std::string first;
  std::string second;
  ByteRope rope;
};

TEST(NLImageMessageTest, ReadsWhatProtobufWrites) {
  NLImageRotateRequest sent;
  sent.set_rotation(NLImageRotateRequest::TWO_SEVENTY_DEG);
  sent.mutable_image()->set_color(true);
  sent.mutable_image()->set_data("samples of the image");
  sent.mutable_image()->set_width(-1);
  sent.mutable_image()->set_height(2147483647);
  sent.mutable_image()->set_channels(3);
  const std::string bytes = sent.SerializeAsString();
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const CutRope message(bytes, cut);
    const auto request = ParseRotateRequest(message.rope);
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->rotation, 3);
    EXPECT_TRUE(request->image.color);
    EXPECT_EQ(request->image.data.ToString(), "samples of the image");
    EXPECT_EQ(request->image.width, -1);
    EXPECT_EQ(request->image.height, 2147483647);
    EXPECT_EQ(request->image.channels, 3);
  }
}

TEST(NLImageMessageTest, RepeatedFieldsAreMergedAsProtobufDoes) {
  NLImageMedianRequest first;
  first.mutable_image()->set_width(3);
  first.mutable_image()->set_data("old");
  first.set_kernel(3);
  NLImageMedianRequest second;
  second.mutable_image()->set_height(5);
  second.mutable_image()->set_data("new");
  const std::string bytes =
      first.SerializeAsString() + second.SerializeAsString();
  NLImageMedianRequest merged;
  ASSERT_TRUE(merged.ParseFromString(bytes));
  const CutRope message(bytes, 5);
  const auto request = ParseMedianRequest(message.rope);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->image.width, merged.image().width());
  EXPECT_EQ(request->image.height, merged.image().height());
  EXPECT_EQ(request->image.data.ToString(), merged.image().data());
  EXPECT_EQ(request->kernel, merged.kernel());
}

TEST(NLImageMessageTest, AnswersAreReadByProtobuf) {
  LegacyAnswer answer;
  answer.color = true;
  answer.width = 300;
  answer.height = 2;
  answer.channels = 3;
  NLImage image;
  ASSERT_TRUE(image.ParseFromString(NLImageHead(answer, 5) + "bytes"));
  EXPECT_TRUE(image.color());
  EXPECT_EQ(image.width(), 300);
  EXPECT_EQ(image.height(), 2);
  EXPECT_EQ(image.channels(), 3);
  EXPECT_EQ(image.data(), "bytes");
}

TEST(WireReaderTest, MalformedMessagesAreRefused) {
  const std::string kCases[] = {
      std::string("\x08", 1),  // ends within a number
      std::string("\x12\x05"
                  "abc",
                  5),  // longer than the message
      std::string("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11),
      std::string(12, '\xff'),     // a number that never ends
      std::string("\x0b\x0c", 2),  // a group
      std::string("\x0f", 1),      // a kind that is none
      std::string("\x00\x01", 2),  // field 0
      std::string("\x19"
                  "1234567",
                  8),  // 7 of 8 bytes
      std::string("\x1d"
                  "123",
                  4),  // 3 of 4 bytes
  };
  for (const std::string& bytes : kCases) {
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      const CutRope message(bytes, cut);
      const auto image = ParseNLImage(message.rope);
      EXPECT_EQ(ReasonOf(image.status()), kBadMessage)
          << testing::PrintToString(bytes);
    }
  }
}

TEST(WireReaderTest, EndlessFieldsAreRefused) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += std::string("\x12\x00", 2);
  EXPECT_TRUE(ParseNLImage(CutRope(bytes, 500).rope).ok());
  bytes += std::string("\x12\x00", 2);
  const auto image = ParseNLImage(CutRope(bytes, 500).rope);
  EXPECT_EQ(ReasonOf(image.status()), kBadMessage);
  EXPECT_NE(image.status().message().find("1000 fields"),
            absl::string_view::npos);
}

TEST(WireReaderTest, RandomBytesAreReadAsProtobufReadsThem) {
  std::mt19937 random(1);
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 24, '\0');
    for (char& c : bytes) {
      // Mostly small numbers, so that some messages are good.
      c = static_cast<char>(random() % 4 == 0 ? random() : random() % 48);
    }
    const CutRope message(bytes, random() % (bytes.size() + 1));
    const auto image = ParseNLImage(message.rope);
    NLImage expected;
    const bool is_good = expected.ParseFromString(bytes);
    // Groups are the one thing we refuse and protobuf skips.
    if (image.ok()) {
      ++good;
      ASSERT_TRUE(is_good) << testing::PrintToString(bytes);
      EXPECT_EQ(image->width, expected.width());
      EXPECT_EQ(image->color, expected.color());
      EXPECT_EQ(image->data.ToString(), expected.data());
      EXPECT_EQ(image->channels.value_or(0), expected.channels());
    }
  }
  EXPECT_GT(good, 1000);
}

TEST(ProcessImageMessageTest, TheImageIsLentAndTheRestIsRead) {
  v1::ProcessImageRequest sent;
  sent.set_image(std::string(1000, 'i'));
  sent.add_operations()->mutable_flip()->set_axis(v1::Flip::AXIS_VERTICAL);
  sent.mutable_output()->set_quality(7);
  const std::string bytes = sent.SerializeAsString();
  const CutRope message(bytes, 500);
  const auto call = ParseProcessImage(message.rope);
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->image.ToString(), sent.image());
  EXPECT_EQ(call->request.operations(0).flip().axis(), v1::Flip::AXIS_VERTICAL);
  EXPECT_EQ(call->request.output().quality(), 7);
  EXPECT_EQ(call->request.image(), "");
}

TEST(ProcessImageMessageTest, EndlessParametersAreRefused) {
  v1::ProcessImageRequest sent;
  for (int i = 0; i < 20'000; ++i) {
    sent.add_operations()->mutable_flip()->set_axis(v1::Flip::AXIS_VERTICAL);
  }
  const std::string bytes = sent.SerializeAsString();
  const CutRope message(bytes, 3);
  EXPECT_EQ(ReasonOf(ParseProcessImage(message.rope).status()), kBadMessage);
}

TEST(ProcessImageMessageTest, ResponsesAreReadByProtobuf) {
  v1::ProcessImageResponse response;
  ASSERT_TRUE(response.ParseFromString(
      ProcessImageHead(
          {.mime_type = "image/png", .shape = {7, 8, 3}, .file = {}}, 4) +
      "file"));
  EXPECT_EQ(response.image(), "file");
  EXPECT_EQ(response.mime_type(), "image/png");
  EXPECT_EQ(response.width(), 7);
  EXPECT_EQ(response.height(), 8);
  EXPECT_EQ(response.channels(), 3);
}

std::string Gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(
      deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

class InflateTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> Inflate(const std::string& bytes, size_t cut,
                                      uint64_t max_bytes) {
    const CutRope message(bytes, cut);
    EXPECT_TRUE(IsGzip(message.rope));
    const auto blocks = InflateGzip(message.rope, max_bytes, work_);
    if (!blocks.ok()) return blocks.status();
    return RopeOf(*blocks).ToString();
  }

  WorkerPool workers_{1};
  BufferPool buffers_;
  MemoryBudget budget_{uint64_t{64} << 20};
  MemoryBudget::Reservation memory_ = *budget_.TryReserve(0);
  CallContext call_;
  Workspace work_{.call = call_,
                  .workers = workers_,
                  .buffers = buffers_,
                  .memory = memory_};
};

TEST_F(InflateTest, GivesBackWhatWasCompressed) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) absl::StrAppend(&text, i % 977, ";");
  const std::string packed = Gzip(text);
  for (const size_t cut : {size_t{1}, size_t{2}, size_t{11}, packed.size()}) {
    const auto back = Inflate(packed, cut, 10'000'000);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, text);
  }
}

TEST_F(InflateTest, SeveralMembersAreOneMessage) {
  const auto back = Inflate(Gzip("ab") + Gzip("") + Gzip("cd"), 5, 100);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, "abcd");
}

TEST_F(InflateTest, EveryCutIsRefused) {
  const std::string packed = Gzip("some text, some text, some text");
  for (size_t size = 2; size < packed.size(); ++size) {
    EXPECT_EQ(ReasonOf(Inflate(packed.substr(0, size), 1, 1000).status()),
              kBadMessage)
        << size;
  }
}

TEST_F(InflateTest, ABombIsRefusedBeforeItGrows) {
  const std::string bomb = Gzip(std::string(50'000'000, '\0'));
  EXPECT_LT(bomb.size(), 100'000);
  const auto back = Inflate(bomb, 7, 1'000'000);
  EXPECT_EQ(ReasonOf(back.status()), kImageTooLarge) << back.status();
  EXPECT_LT(memory_.bytes(), 2'000'000);
}

TEST_F(InflateTest, ABombIsHeldByTheMemoryBudget) {
  const std::string bomb = Gzip(std::string(100'000'000, '\0'));
  const auto back = Inflate(bomb, 7, 1'000'000'000);
  EXPECT_EQ(ReasonOf(back.status()), kImageTooLarge) << back.status();
}

TEST(IsGzipTest, NoProtobufMessageLooksLikeIt) {
  NLImage any;
  EXPECT_FALSE(any.ParseFromString(std::string("\x1f\x8b\x08\x00", 4)));
}

TEST(StatusMappingTest, DetailsSayReasonFieldAndDelay) {
  const grpc::Status status =
      ToGrpcStatus(Within("image", InvalidField("width", "is odd")));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::RichStatus rich;
  ASSERT_TRUE(rich.ParseFromString(status.error_details()));
  EXPECT_EQ(rich.code(), 3);
  EXPECT_EQ(rich.message(), status.error_message());
  ASSERT_EQ(rich.details_size(), 2);
  v1::ErrorInfo info;
  EXPECT_EQ(rich.details(0).type_url(),
            "type.googleapis.com/google.rpc.ErrorInfo");
  ASSERT_TRUE(info.ParseFromString(rich.details(0).value()));
  EXPECT_EQ(info.reason(), kBadField);
  v1::BadRequest request;
  ASSERT_TRUE(request.ParseFromString(rich.details(1).value()));
  EXPECT_EQ(request.field_violations(0).field(), "image.width");

  const absl::Status busy = Busy("later", std::chrono::milliseconds(1500));
  EXPECT_EQ(PushbackMs(busy), 1500);
  ASSERT_TRUE(rich.ParseFromString(ToGrpcStatus(busy).error_details()));
  v1::RetryInfo retry;
  ASSERT_TRUE(retry.ParseFromString(rich.details(1).value()));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(StatusMappingTest, WhatWentWrongInsideIsNotTold) {
  const grpc::Status status = ToGrpcStatus(
      Refusal(absl::StatusCode::kInternal, kBug, "secret of the house"));
  EXPECT_EQ(status.error_message().find("secret"), std::string::npos);
  EXPECT_EQ(status.error_details(), "");
}

TEST(StatusMappingTest, LongAndOddTextsStayShortAndPlain) {
  std::string text(100'000, 'x');
  text[3] = '\n';
  text[4] = '\xff';
  const grpc::Status status = ToGrpcStatus(InvalidField("data", text));
  EXPECT_LT(status.error_message().size() + status.error_details().size(),
            4096);
  for (const char c : status.error_message()) {
    EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  }
}

}  // namespace
}  // namespace imageadapt
