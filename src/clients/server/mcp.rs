//! The MCP server: the tools of a scenario, and what its user says as prompts.
//!
//! It is built on the official SDK, which speaks the protocol in its current revision and those before it,
//! over stdio and streamable HTTP, and checks hosts and sizes. The harness needs no more control of the wire
//! than it gives: a tool that never answers is a request that is never answered, and a client that cancels is
//! heard.

use crate::agent::ToolError;
use crate::clients::catalogue::{KEY, TELL_USER};
use crate::clients::{Answer, CallFailure, Catalogue, Handle, Request, ServedTool};
use rmcp::ErrorData;
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, Implementation, ListPromptsResult, ListToolsResult,
    PaginatedRequestParams, Prompt, PromptMessage, Role, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The server of one connection.
#[derive(Clone)]
pub(in crate::clients) struct Mcp {
    pub handle: Handle,
    pub catalogue: Arc<Catalogue>,
    /// The task that the client works on, if its address says so.
    pub task: Option<String>,
}

impl rmcp::ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_prompts().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("perfidy", env!("CARGO_PKG_VERSION")))
            .with_instructions("The tools of a scenario. What its user wants done is a prompt for each task.")
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.catalogue.tools().iter().map(described);
        Ok(ListToolsResult::with_all_items(tools.chain([tell_user()]).collect()))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let request = self.request(&params.name, params.arguments.unwrap_or_default())?;
        let asked = self.handle.ask(request);
        let answer = tokio::select! {
            biased;
            () = context.ct.cancelled() => None,
            answer = asked => answer,
        };
        let gone = || ErrorData::internal_error("the connection to the tool is gone", None);
        Ok(CallToolResponse::Complete(match answer.ok_or_else(gone)? {
            Answer::Call(Ok(done)) => {
                CallToolResult::structured(serde_json::to_value(done).map_err(|_| gone())?)
            }
            Answer::Call(Err(failure)) => failed(&failure),
            Answer::Heard => CallToolResult::success(vec![ContentBlock::text("The user was told.")]),
            Answer::Chat(_) | Answer::AsSaid => return Err(gone()),
        }))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompt = |task: &str| Prompt::new(task, Some(format!("What the user wants of {task}")), None);
        Ok(ListPromptsResult::with_all_items(self.tasks().into_iter().map(prompt).collect()))
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let task = self.tasks().into_iter().find(|task| *task == params.name).ok_or_else(|| {
            ErrorData::invalid_params("there is no such prompt; prompts/list has those there are", None)
        })?;
        let message = PromptMessage::new_text(Role::User, self.catalogue.prompt(task));
        Ok(GetPromptResponse::Complete(GetPromptResult::new(vec![message])))
    }
}

impl Mcp {
    fn tasks(&self) -> Vec<&'static str> {
        let is_served = |task: &&str| self.task.as_deref().is_none_or(|only| only == *task);
        self.catalogue.tasks().filter(is_served).collect()
    }

    /// What a call of a tool asks.
    fn request(&self, name: &str, mut arguments: Map<String, Value>) -> Result<Request, ErrorData> {
        let task = self.task.clone();
        if name == TELL_USER {
            let done = arguments.get("done").and_then(Value::as_bool);
            let done = done.ok_or_else(|| ErrorData::invalid_params("`done` must be true or false", None))?;
            let named = arguments.get("task").and_then(Value::as_str).map(str::to_owned);
            if named.as_ref().is_some_and(|named| !self.catalogue.tasks().any(|task| task == named)) {
                let message = "there is no such task; prompts/list has those there are";
                return Err(ErrorData::invalid_params(message, None));
            }
            return Ok(Request::Tell { task: named.or(task), done });
        }
        let served = self.catalogue.find(name).ok_or_else(|| {
            ErrorData::invalid_params("there is no such tool; tools/list has those there are", None)
        })?;
        let key = match arguments.remove(KEY) {
            None | Some(Value::Null) => None,
            Some(Value::String(key)) => Some(key),
            Some(_) => return Err(ErrorData::invalid_params(format!("`{KEY}` must be a text"), None)),
        };
        Ok(Request::Call { task, tool: served.name.clone(), arguments, key })
    }
}

fn described(served: &ServedTool) -> Tool {
    let schema = served.schema.as_object().cloned().unwrap_or_default();
    Tool::new(served.name.clone(), served.about.clone(), Arc::new(schema))
}

fn tell_user() -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {
            "task": { "type": "string", "description": "The name of the task, if there are several" },
            "done": { "type": "boolean", "description": "Whether all of it is done" },
        },
        "required": ["done"],
    });
    let about = "Tells the user at the end whether the task is done, or could not be done.";
    Tool::new(TELL_USER, about, Arc::new(schema.as_object().cloned().unwrap_or_default()))
}

/// The result of a call that failed. One that cannot be read breaks off in the middle.
fn failed(failure: &CallFailure) -> CallToolResult {
    match error_body(failure) {
        None => CallToolResult::success(vec![ContentBlock::text("{\"rece")]),
        Some((body, _)) => CallToolResult::error(vec![ContentBlock::text(body.to_string())]),
    }
}

/// What a service says of an error, with its HTTP status; `None` if that cannot be read.
pub(in crate::clients) fn error_body(CallFailure { error, why }: &CallFailure) -> Option<(Value, u16)> {
    let failure = CallFailure { error: *error, why: Value::Null };
    let (name, status) = failure.name_and_status()?;
    let message = match error {
        ToolError::Definite(error) => error.to_string(),
        ToolError::Indefinite(error) => error.to_string(),
    };
    let mut body = json!({ "error": name, "message": message });
    if !why.is_null() {
        body["why"] = why.clone();
    }
    Some((body, status))
}
