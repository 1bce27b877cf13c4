//! Token counting as the Azure OpenAI service bills it.
//!
//! Which encoding a model uses ([`Encoding::for_model`]), how many tokens a
//! text has in it and where they end ([`Encoding::split`]), and what a chat
//! prompt costs on top of its texts: its messages ([`ChatOverhead`]), tools
//! ([`tools_prompt_tokens`]), images ([`ImageRule`]) and sounds
//! ([`audio_tokens`]). The simulator and the gateway both count with this
//! crate; it knows neither of them.

mod audio;
mod chat;
mod data_url;
mod encoding;
mod image;
mod memo;
mod pieces;
mod tools;

pub use audio::{audio_seconds, audio_tokens};
pub use chat::{ChatMessage, ChatOverhead, chat_prompt_tokens};
pub use data_url::DataUrl;
pub use encoding::{DecodeError, Encoding, Piece};
pub use image::{Detail, ImageRule, ImageSize};
pub use tools::{
    ResponseSchema, ToolChoice, ToolFunction, ToolOverhead, ToolPrompt, response_schema_tokens,
    tool_call_tokens, tools_prompt_tokens,
};
