"""The same, where each call has an idempotency key: the id that the model gave it, which the checkpoint keeps."""

import os
import sqlite3

import httpx
from langchain.chat_models import init_chat_model
from langchain.tools import ToolRuntime, tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import RetryPolicy


def post(url: str, arguments: dict, runtime: ToolRuntime) -> str:
    headers = {"idempotency-key": runtime.tool_call_id}
    return httpx.post(url, json=arguments, headers=headers).raise_for_status().text


@tool
def ticketing_create(title: str, priority: int, runtime: ToolRuntime) -> str:
    """Files a ticket."""
    return post("http://ticketing/create", {"title": title, "priority": priority}, runtime)


@tool
def mail_send(to: str, text: str, runtime: ToolRuntime) -> str:
    """Sends a mail."""
    return post("http://mail/send", {"to": to, "text": text}, runtime)


tools = [ticketing_create, mail_send]
model = init_chat_model("openai:gpt-5").bind_tools(tools)


def call_model(state: MessagesState) -> dict:
    return {"messages": [model.invoke(state["messages"])]}


builder = StateGraph(MessagesState)
builder.add_node("model", call_model)
builder.add_node("tools", ToolNode(tools), retry_policy=RetryPolicy())
builder.add_edge(START, "model")
builder.add_conditional_edges("model", tools_condition)
builder.add_edge("tools", "model")

graph = builder.compile(checkpointer=SqliteSaver(sqlite3.connect("checkpoints.sqlite")))
thread = {"configurable": {"thread_id": os.environ["PERFIDY_TASK"]}}
# A thread that a crash has cut short goes on from its last checkpoint.
is_cut_short = bool(graph.get_state(thread).next)
prompt = {"messages": [{"role": "user", "content": os.environ["PERFIDY_PROMPT"]}]}
print(graph.invoke(None if is_cut_short else prompt, thread)["messages"][-1].content)
