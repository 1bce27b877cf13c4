//! Embeddings, pictures, sounds, models, moderation.

use anyhow::{Context as _, Result, ensure};
use async_openai::types::audio::{AudioInput, CreateTranscriptionRequest};
use async_openai::types::images::Image;
use serde_json::{Value, from_value, json};

use crate::form::Form;

fn texts() -> Value {
    json!({ "model": "embedding", "input": ["a gateway", "a backend"] })
}

async fn floats(form: &Form) -> Result<Vec<Vec<f32>>> {
    let answer = form.client("embedding").embeddings().create(from_value(texts())?).await?;
    Ok(answer.data.into_iter().map(|vector| vector.embedding).collect())
}

pub(crate) async fn embeddings_float(form: &Form) -> Result<()> {
    let vectors = floats(form).await?;
    ensure!(vectors.len() == 2);
    for vector in vectors {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        ensure!(vector.len() == 1_536 && (length - 1.0).abs() < 1e-3, "length {length}");
    }
    Ok(())
}

pub(crate) async fn embeddings_base64(form: &Form) -> Result<()> {
    let mut request = texts();
    request["encoding_format"] = json!("base64");
    let client = form.client("embedding");
    let answer = client.embeddings().create_base64(from_value(request)?).await?;
    let decoded: Vec<Vec<f32>> =
        answer.data.into_iter().map(|vector| vector.embedding.into()).collect();
    let exact = floats(form).await?;
    ensure!(decoded.len() == exact.len());
    for (left, right) in decoded.iter().flatten().zip(exact.iter().flatten()) {
        ensure!((left - right).abs() <= 1e-6 * right.abs(), "{left} is not {right}");
    }
    Ok(())
}

pub(crate) async fn images(form: &Form) -> Result<()> {
    let request =
        json!({ "model": "image", "prompt": "A gateway.", "size": "1024x1024", "quality": "low" });
    let answer = form.client("image").images().generate(from_value(request)?).await?;
    let image = answer.data.first().context("no picture")?;
    // "\x89PNG\r\n" and what follows, in base64.
    let is_png =
        matches!(&**image, Image::B64Json { b64_json, .. } if b64_json.starts_with("iVBORw0KGgo"));
    ensure!(is_png, "{image:?}");
    Ok(())
}

/// A WAV file of a second of silence.
fn sound() -> Vec<u8> {
    let (rate, bytes) = (8_000_u32, 16_000_u32);
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]); // PCM, mono
    wav.extend(rate.to_le_bytes());
    wav.extend((2 * rate).to_le_bytes());
    wav.extend([2, 0, 16, 0]); // bytes a sample, bits a sample
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    wav.resize(wav.len() + 16_000, 0);
    wav
}

/// The crate wants `usage`, which whisper's answers on Azure are not known to have.
pub(crate) async fn transcription(form: &Form) -> Result<()> {
    let request = CreateTranscriptionRequest {
        file: AudioInput::from_vec_u8("silence.wav".to_owned(), sound()),
        model: "transcribe".to_owned(),
        ..Default::default()
    };
    let answer = form.client("transcribe").audio().transcription().create(request).await?;
    ensure!(!answer.text.is_empty());
    Ok(())
}

pub(crate) async fn speech(form: &Form) -> Result<()> {
    let request = json!({ "model": "speech", "input": "A gateway.", "voice": "alloy", "response_format": "wav" });
    let answer = form.client("speech").audio().speech().create(from_value(request)?).await?;
    ensure!(answer.bytes.starts_with(b"RIFF"));
    Ok(())
}

pub(crate) async fn models(form: &Form) -> Result<()> {
    let client = form.client("modern");
    let listed = client.models().list().await?;
    let first = listed.data.first().context("no models")?;
    ensure!(client.models().retrieve(&first.id).await?.id == first.id);
    Ok(())
}

pub(crate) async fn moderation(form: &Form) -> Result<()> {
    let request = json!({ "model": "omni-moderation-latest", "input": ["I like gateways.", "I will kill you."] });
    let answer = form.client("modern").moderations().create(from_value(request)?).await?;
    let flagged: Vec<bool> = answer.results.iter().map(|result| result.flagged).collect();
    ensure!(flagged == [false, true], "{flagged:?}");
    Ok(())
}
