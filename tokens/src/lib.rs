//! Token counting as the Azure OpenAI service bills it.
//!
//! Which encoding a model uses ([`Encoding::for_model`]), how many tokens a
//! text has in it, and what a chat prompt costs on top of its texts
//! ([`ChatOverhead`]). The simulator and the gateway both count with this
//! crate; it knows neither of them, nor any request format.

mod chat;
mod encoding;

pub use chat::{ChatMessage, ChatOverhead, chat_prompt_tokens};
pub use encoding::{DecodeError, Encoding};
