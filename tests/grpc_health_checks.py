"""The standard health and reflection services, as a client calls them."""
# SPDX-License-Identifier: Apache-2.0
import support  # pylint: disable=unused-import  # finds the messages
# "grpc" is Debian's grpcio, so these messages cannot be imported by their path.
import importlib.util
import os
import pathlib


def _load(path):
    file = pathlib.Path(os.environ["IMAGEADAPT_PYTHON_PROTOS"]) / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_health = _load("grpc/health/v1/health_pb2.py")
_reflection = _load("grpc/reflection/v1alpha/reflection_pb2.py")

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
HealthRequest = _health.HealthCheckRequest
HealthResponse = _health.HealthCheckResponse


def list_services(channel):
    """Names of all services, by reflection."""
    stream = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=_reflection.ServerReflectionRequest
        .SerializeToString,
        response_deserializer=_reflection.ServerReflectionResponse.FromString)
    question = _reflection.ServerReflectionRequest(list_services="")
    for answer in stream(iter([question]), timeout=support.LIMIT_SECONDS):
        return [each.name for each in answer.list_services_response.service]
    return []
