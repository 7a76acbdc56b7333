//! A worker: an axum router, served by hyper, that files tickets.

use crate::{Filed, Ticket};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use perfidy::prelude::*;
use perfidy::workflows::TaskPlan;
use std::sync::Arc;
use tokio::net::TcpListener;

/// How long a worker waits for the ticketing, and how often it asks.
const TOOL_TIMEOUT: SimSpan = SimSpan::from_secs(2);
const ATTEMPTS: usize = 3;

/// What the handlers of the router share.
#[derive(Clone)]
struct Worker {
    agent: SendAgent,
    plan: Arc<TaskPlan>,
}

/// Serves `POST /tickets` at port 80.
///
/// `axum::serve` spawns on the tokio that axum has for itself, which no simulated world knows. What it does
/// is done here with the tokio of this crate: accept, and have hyper serve the router.
pub async fn worker(agent: Agent, team: TeamContext) {
    let worker = Worker { agent: agent.to_send(), plan: Arc::clone(&team.plan) };
    let router = Router::new().route("/tickets", post(file)).with_state(worker);
    let listener = TcpListener::bind("0.0.0.0:80").await.expect("the port is free");
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Files a ticket; without a clear answer of the ticketing, the desk has to ask again.
async fn file(
    State(Worker { agent, plan }): State<Worker>,
    Json(Ticket { task, operation }): Json<Ticket>,
) -> Result<Json<Filed>, StatusCode> {
    for _ in 0..ATTEMPTS {
        let call = ToolCall::keyed(plan.operation_of(task, 0), operation);
        let answer = agent.with_async(move |agent| async move { agent.call(call, TOOL_TIMEOUT).await });
        match answer.await {
            Ok(_) => return Ok(Json(Filed::Done)),
            Err(ToolError::Definite(_)) => return Ok(Json(Filed::Declined)),
            Err(ToolError::Indefinite(_)) => {}
        }
    }
    Err(StatusCode::GATEWAY_TIMEOUT)
}
