//! The common cases (cases.toml) with the crate async-openai. Prints each, writes it
//! down in the folder RESULTS, and ends with code 1 if one failed.

mod chat;
mod control;
mod errors;
mod form;
mod other;
mod responses;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use form::{Form, Kind};

/// Runs one case, and says how it ended.
macro_rules! cases {
    ($form:expr, $outcomes:expr, $($name:literal => $case:path,)*) => {
        $(
            let outcome = $case($form).await;
            match &outcome {
                Ok(()) => println!("  ok   {} {}", $form.name, $name),
                Err(error) => println!("  FAIL {} {}: {error:#}", $form.name, $name),
            }
            $outcomes.push(($form.name, $name, outcome.is_ok()));
        )*
    };
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let forms = [
        Form::new("async-openai/azure", Kind::Azure)?,
        Form::new("async-openai/v1", Kind::V1)?,
        Form::new("async-openai/openai", Kind::OpenAi)?,
    ];
    let mut outcomes = Vec::new();
    for form in &forms {
        cases!(form, outcomes,
            "chat" => chat::chat,
            "chat-stream" => chat::stream,
            "tool-single" => chat::one_tool,
            "tools-parallel" => chat::parallel_tools,
            "tool-forced" => chat::forced_tool,
            "tool-stream" => chat::streamed_tools,
            "structured-output" => chat::structured_output,
            "embeddings-float" => other::embeddings_float,
            "embeddings-base64" => other::embeddings_base64,
            "images" => other::images,
            "transcription" => other::transcription,
            "speech" => other::speech,
            "error-401" => errors::wrong_key,
            "error-404" => errors::no_deployment,
            "error-400" => errors::bad_parameter,
            "busy" => errors::busy,
        );
        if form.kind != Kind::Azure {
            cases!(form, outcomes,
                "responses" => responses::create,
                "responses-stream" => responses::stream,
                "responses-retrieve" => responses::retrieve,
                "responses-previous" => responses::previous,
                "responses-tools" => responses::tools,
                "responses-structured" => responses::structured,
                "models" => other::models,
            );
        }
        if form.kind == Kind::OpenAi {
            cases!(form, outcomes, "moderation" => other::moderation,);
        } else {
            cases!(form, outcomes, "error-filter" => errors::filter,);
        }
    }
    if let Some(folder) = std::env::var_os("RESULTS") {
        let mut file = File::create(Path::new(&folder).join("rust.tsv"))?;
        for (client, case, passed) in &outcomes {
            writeln!(file, "{client}\t{case}\t{}", if *passed { "pass" } else { "fail" })?;
        }
    }
    Ok(if outcomes.iter().all(|(.., passed)| *passed) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
