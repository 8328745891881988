//! A component as an actor: a task that owns its store, with a mailbox of two lanes, so that a
//! health check is never behind messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use wasmtime::{Error, Result};

use crate::component::{ChildHealth, Component};
use crate::guest::Guest;

pub struct Message {
    pub bytes: Vec<u8>,
    pub reply: Option<oneshot::Sender<Result<Vec<u8>>>>,
}

type Asked = oneshot::Sender<ChildHealth>;

/// Outlives a restart, as the mailbox does.
#[derive(Clone)]
pub struct Address {
    health: mpsc::UnboundedSender<Asked>,
    messages: mpsc::Sender<Message>,
    handled: Arc<AtomicU64>,
}

pub struct Mailbox {
    health: mpsc::UnboundedReceiver<Asked>,
    messages: mpsc::Receiver<Message>,
    handled: Arc<AtomicU64>,
}

pub fn mailbox(messages_max: usize) -> (Address, Mailbox) {
    let (health, health_receiver) = mpsc::unbounded_channel();
    let (messages, messages_receiver) = mpsc::channel(messages_max);
    let handled = Arc::new(AtomicU64::new(0));
    (
        Address { health, messages, handled: handled.clone() },
        Mailbox { health: health_receiver, messages: messages_receiver, handled },
    )
}

impl Address {
    /// False when its mailbox is full, or it has ended.
    pub fn send(&self, message: Message) -> bool {
        self.messages.try_send(message).is_ok()
    }

    pub async fn request(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let (reply, answer) = oneshot::channel();
        if !self.send(Message { bytes: bytes.to_vec(), reply: Some(reply) }) {
            return Err(Error::msg("its mailbox is full"));
        }
        answer.await.unwrap_or_else(|_| Err(Error::msg("it has ended")))
    }

    /// The answer comes when it comes: whoever wants a limit has it around the await.
    pub fn ask(&self) -> oneshot::Receiver<ChildHealth> {
        let (reply, answer) = oneshot::channel();
        let _ = self.health.send(reply); // if it has ended, the answer says so
        answer
    }

    pub fn handled(&self) -> u64 {
        self.handled.load(Relaxed)
    }
}

impl Mailbox {
    /// The next message, for whoever is no component.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// By one task: no locked instruction.
    fn count(&self) {
        self.handled.store(self.handled.load(Relaxed) + 1, Relaxed);
    }
}

/// The answer to whoever wants one; an error ends the guest.
fn answer(message: Message, answer: Result<&[u8]>) -> Result<()> {
    let Some(reply) = message.reply else { return answer.map(drop) };
    match answer {
        Ok(bytes) => {
            let _ = reply.send(Ok(bytes.to_vec()));
            Ok(())
        }
        Err(error) => {
            let _ = reply.send(Err(Error::msg(error.to_string())));
            Err(error)
        }
    }
}

/// Until the guest ends, or everybody who could write to it is gone: that is Ok. A guest runs as a
/// plain call, and keeps its worker until it returns or its deadline traps it.
pub async fn serve(
    component: &mut Component<Guest>,
    mailbox: &mut Mailbox,
    limit: Duration,
) -> Result<()> {
    loop {
        tokio::select! {
            biased;
            Some(asked) = mailbox.health.recv() => {
                let _ = asked.send(component.health_check_sync());
            }
            Some(message) = mailbox.messages.recv() => {
                let found = component.handle_message_sync(&message.bytes, limit);
                answer(message, found)?;
                mailbox.count();
            }
            else => return Ok(()),
        }
    }
}

/// The same with a guest that runs on a fiber, and yields at each tick.
pub async fn serve_on_fibers(
    component: &mut Component<Guest>,
    mailbox: &mut Mailbox,
    limit: Duration,
) -> Result<()> {
    loop {
        tokio::select! {
            biased;
            Some(asked) = mailbox.health.recv() => {
                let _ = asked.send(component.health_check().await);
            }
            Some(message) = mailbox.messages.recv() => {
                handle_on_fiber(component, &mut mailbox.health, message, limit).await?;
                mailbox.count();
            }
            else => return Ok(()),
        }
    }
}

/// Whoever asks for its health meanwhile is answered whenever the guest yields.
async fn handle_on_fiber(
    component: &mut Component<Guest>,
    health: &mut mpsc::UnboundedReceiver<Asked>,
    message: Message,
    limit: Duration,
) -> Result<()> {
    let found = {
        let call = component.handle_message(&message.bytes, limit);
        tokio::pin!(call);
        loop {
            tokio::select! {
                biased;
                found = &mut call => break found,
                Some(asked) = health.recv() => {
                    let reason = "Busy in handle-message".to_string();
                    let _ = asked.send(ChildHealth::Degraded { reason });
                }
            }
        }
    };
    answer(message, found)
}
