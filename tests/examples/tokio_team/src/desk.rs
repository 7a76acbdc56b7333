//! The desk: it takes tasks and has workers file the tickets, several at once.

use crate::{Filed, Ticket};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use perfidy::prelude::*;
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// How long the desk waits for a worker, and how long before it asks the next.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);

/// Takes tasks, and reports what became of them.
pub async fn desk(agent: Agent, team: TeamContext) {
    let workers: Vec<String> = team.group("workers").iter().map(ToString::to_string).collect();
    let (filed, mut reports) = mpsc::unbounded_channel();
    loop {
        tokio::select! {
            order = agent.receive() => {
                let Some(UserMessage::Submit { task, ops }) = order.open().cloned() else { continue };
                let (ticket, workers) = (Ticket { task, operation: ops[0] }, workers.clone());
                let (filed, user) = (filed.clone(), order.from());
                tokio::spawn(async move {
                    // The desk is there as long as its tasks are.
                    let _ = filed.send((user, task, file_somewhere(&workers, &ticket).await));
                });
            }
            Some((user, task, answer)) = reports.recv() => {
                let outcome = match answer {
                    Filed::Done => Outcome::Done,
                    Filed::Declined => Outcome::Failed,
                };
                agent.send(user, task, UserMessage::Report(Report::of(task, outcome)));
            }
        }
    }
}

/// Asks one worker after the other until one answers.
async fn file_somewhere(workers: &[String], ticket: &Ticket) -> Filed {
    for worker in workers.iter().cycle() {
        if let Ok(Ok(answer)) = timeout(PATIENCE, post(worker, ticket)).await {
            return answer;
        }
        sleep(PAUSE).await;
    }
    unreachable!("workers come again and again")
}

/// Posts a ticket to a worker: hyper over a stream of tokio.
async fn post(worker: &str, ticket: &Ticket) -> Result<Filed, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect((worker, 80)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::post("/tickets")
        .header(header::HOST, worker)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(serde_json::to_vec(ticket)?)))?;
    let response = sender.send_request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(response.status().to_string().into());
    }
    let body = response.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}
