"""Joins a room, says hello and prints what is said there, until killed."""
import os

import grpc
from parley.v1 import message_service_pb2
from parley.v1 import message_service_pb2_grpc
from parley.v1 import room_service_pb2
from parley.v1 import room_service_pb2_grpc

socket = os.path.join(os.environ["XDG_RUNTIME_DIR"], "parley", "default.sock")
channel = grpc.insecure_channel("unix:" + socket)
rooms = room_service_pb2_grpc.RoomServiceStub(channel)
messages = message_service_pb2_grpc.MessageServiceStub(channel)

rooms.JoinRoom(room_service_pb2.JoinRoomRequest(room="general"))
messages.SendMessage(message_service_pb2.SendMessageRequest(
    room="general", text="hello from Python"))

watch = message_service_pb2.WatchMessagesRequest(room="general")
for batch in messages.WatchMessages(watch):
    for update in batch.updates:
        if update.HasField("message"):
            print("%s: %s" % (update.message.sender, update.message.text),
                  flush=True)
