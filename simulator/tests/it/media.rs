//! Pictures and sounds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};

use crate::support::{Answer, Bench, KEY};

const DEPLOYMENTS: &str = r#"
  { name = "image", model = "gpt-image-1", rpm = 100000, latency = { profile = "zero" } },
  { name = "dalle", model = "dall-e-3", rpm = 100000, latency = { profile = "zero" } },
  { name = "old", model = "dall-e-2", rpm = 100000, latency = { profile = "zero" } },
  { name = "whisper", model = "whisper", rpm = 100000, latency = { profile = "zero" } },
  { name = "hear", model = "gpt-4o-transcribe", rpm = 100000, latency = { profile = "zero" } },
  { name = "say", model = "tts", rpm = 100000, latency = { profile = "zero" } },
"#;

fn path(deployment: &str, operation: &str) -> String {
    format!("/openai/deployments/{deployment}/{operation}?api-version=2025-04-01-preview")
}

fn image_size(file: &[u8]) -> (u32, u32) {
    let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    (reader.info().width, reader.info().height)
}

/// A second of silence, 8,000 samples of one byte.
fn wav(seconds: usize) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\0\0\0\0".to_vec();
    file.resize(file.len() + 8_000 * seconds, 0x80);
    file
}

async fn form(
    bench: &Bench,
    uri: &str,
    fields: &[(&str, &str)],
    file: Option<(&str, &[u8])>,
) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .bytes(),
        );
    }
    if let Some((name, bytes)) = file {
        let (field, file) = name.split_once('=').unwrap_or(("file", name));
        body.extend(format!("--b\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{file}\"\r\n\r\n").bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    let request = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header("api-key", KEY)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(body.into())
        .unwrap();
    bench.send(request).await
}

#[tokio::test(start_paused = true)]
async fn pictures_are_pngs_of_the_asked_size() {
    let bench = Bench::new(DEPLOYMENTS);
    let body =
        r#"{"prompt":"A red bridge over a quiet river","n":2,"size":"1024x1536","quality":"low"}"#;
    let answer = bench.post(&path("image", "images/generations"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    for index in 0..2 {
        let file = STANDARD.decode(json["data"][index]["b64_json"].as_str().unwrap()).unwrap();
        assert_eq!(image_size(&file), (1024, 1536));
    }
    assert_eq!(json["usage"]["output_tokens"], 2 * 408);
    assert_eq!(json["usage"]["input_tokens"], 7);
    let mut shape = json;
    for item in shape["data"].as_array_mut().unwrap() {
        item["b64_json"] = "<png>".into();
    }
    insta::assert_snapshot!("gpt_image", serde_json::to_string_pretty(&shape).unwrap());
    assert_eq!(bench.journal().await[0]["operation"], "ImageGenerations_Create");
}

#[tokio::test(start_paused = true)]
async fn a_link_shows_its_picture() {
    let bench = Bench::new(DEPLOYMENTS);
    let answer = bench.post(&path("dalle", "images/generations"), r#"{"prompt":"A bridge"}"#).await;
    let json = answer.json();
    assert_eq!(json["data"][0]["revised_prompt"], "A bridge");
    let link: http::Uri = json["data"][0]["url"].as_str().unwrap().parse().unwrap();
    let mut request = Bench::request(link.path(), "");
    *request.method_mut() = Method::GET;
    request.headers_mut().remove("api-key");
    let (parts, body) =
        tower::ServiceExt::oneshot(bench.router(), request).await.unwrap().into_parts();
    let file = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    assert_eq!((parts.status.as_u16(), image_size(&file)), (200, (1024, 1024)));
    for wrong in ["x.png", "1-9999x1.png", "1-0x1.png", "zz-1x1.png", "1-1x1.gif"] {
        assert_eq!(bench.get(&format!("/++/images/{wrong}")).await.status, 404, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_costs_the_tokens_of_its_picture() {
    let bench = Bench::new(DEPLOYMENTS);
    let made = bench.post(&path("image", "images/generations"), r#"{"prompt":"x"}"#).await;
    let file = STANDARD.decode(made.json()["data"][0]["b64_json"].as_str().unwrap()).unwrap();
    let uri = path("image", "images/edits");
    let answer = form(
        &bench,
        &uri,
        &[("prompt", "Make it blue"), ("n", "1")],
        Some(("image[]=a.png", &file)),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["usage"]["input_tokens_details"]["image_tokens"], 65 + 129);
    let answer = form(&bench, &uri, &[("prompt", "x")], Some(("image=a.png", b"no picture"))).await;
    assert_eq!(answer.json()["error"]["code"], "invalid_image_file");
    assert_eq!(
        form(&bench, &uri, &[("prompt", "x")], None).await.json()["error"]["param"],
        "image"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sound_becomes_a_text_in_every_format() {
    let bench = Bench::new(DEPLOYMENTS);
    let uri = path("whisper", "audio/transcriptions");
    let sound = wav(8);
    let mut all = String::new();
    for format in ["json", "text", "srt", "vtt", "verbose_json"] {
        let answer =
            form(&bench, &uri, &[("response_format", format)], Some(("a.wav", &sound))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        all.push_str(&format!(
            "{format}: {}\n{}\n",
            answer.header("content-type").unwrap(),
            answer.body
        ));
    }
    insta::assert_snapshot!("transcriptions", all);
    let translated =
        form(&bench, &path("whisper", "audio/translations"), &[], Some(("a.wav", &sound))).await;
    assert!(translated.json()["text"].is_string(), "{}", translated.body);
    let words = [("response_format", "verbose_json"), ("timestamp_granularities[]", "word")];
    let answer = form(&bench, &uri, &words, Some(("a.wav", &sound))).await;
    assert!(
        answer.json()["words"].as_array().is_some_and(|words| 10 < words.len()),
        "{}",
        answer.body
    );
}

#[tokio::test(start_paused = true)]
async fn newer_models_count_tokens_and_stream() {
    let bench = Bench::new(DEPLOYMENTS);
    let uri = path("hear", "audio/transcriptions");
    let answer = form(&bench, &uri, &[], Some(("a.wav", &wav(8)))).await;
    let usage = &answer.json()["usage"];
    assert_eq!(
        (&usage["input_token_details"]["audio_tokens"], &usage["output_tokens"]),
        (&80.into(), &20.into())
    );
    let answer = form(&bench, &uri, &[("stream", "true")], Some(("a.wav", &wav(2)))).await;
    let events = crate::support::events(&answer.body);
    assert_eq!(events.len(), 5 + 1, "{events:?}");
    assert!(events[5].contains("transcript.text.done"), "{}", events[5]);
}

#[tokio::test(start_paused = true)]
async fn a_text_becomes_a_sound() {
    let bench = Bench::new(DEPLOYMENTS);
    for (format, content_type, start) in [
        ("mp3", "audio/mpeg", &[0xff, 0xf3][..]),
        ("wav", "audio/wav", b"RIFF"),
        ("pcm", "audio/pcm", &[0, 0]),
    ] {
        let body = format!(
            r#"{{"input":"Once upon a time","voice":"alloy","response_format":"{format}"}}"#
        );
        let request = Bench::request(&path("say", "audio/speech"), body);
        let (parts, body) =
            tower::ServiceExt::oneshot(bench.router(), request).await.unwrap().into_parts();
        let file = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        assert_eq!(
            (parts.status.as_u16(), &parts.headers["content-type"]),
            (200, &content_type.parse().unwrap())
        );
        assert!(file.starts_with(start) && 5_000 < file.len(), "{format}: {} bytes", file.len());
    }
}

#[tokio::test(start_paused = true)]
async fn mistakes_are_complained_about() {
    let bench = Bench::new(DEPLOYMENTS);
    let mut all = String::new();
    for (deployment, operation, body) in [
        ("image", "images/generations", "{}"),
        ("image", "images/generations", r#"{"prompt":"x","size":"10x10"}"#),
        ("image", "images/generations", r#"{"prompt":"x","response_format":"url"}"#),
        ("image", "images/generations", r#"{"prompt":"x","output_format":"webp"}"#),
        ("dalle", "images/generations", r#"{"prompt":"x","n":2}"#),
        ("old", "images/generations", r#"{"prompt":"x","quality":"hd"}"#),
        ("say", "audio/speech", r#"{"input":"x"}"#),
        ("say", "audio/speech", r#"{"input":"","voice":"alloy"}"#),
        ("say", "audio/speech", r#"{"input":"x","voice":"robot"}"#),
        ("say", "audio/speech", r#"{"input":"x","voice":"alloy","speed":9}"#),
        ("whisper", "audio/transcriptions", "{}"),
        ("say", "chat/completions", r#"{"messages":[]}"#),
        ("hear", "audio/translations", "{}"),
    ] {
        let answer = bench.post(&path(deployment, operation), body).await;
        all.push_str(&format!(
            "{deployment} {operation} {body}\n  {} {}\n",
            answer.status,
            answer.json()["error"]["message"]
        ));
    }
    let uri = path("whisper", "audio/transcriptions");
    for (fields, file) in [
        (&[][..], None),
        (&[], Some(("a.txt", &b"x"[..]))),
        (&[("temperature", "2")], Some(("a.wav", b"x"))),
        (&[("response_format", "xml")], Some(("a.wav", b"x"))),
        (&[("colour", "red")], Some(("a.wav", b"x"))),
        (&[("timestamp_granularities[]", "word")], Some(("a.wav", b"x"))),
    ] {
        let answer = form(&bench, &uri, fields, file).await;
        all.push_str(&format!(
            "{fields:?}\n  {} {}\n",
            answer.status,
            answer.json()["error"]["message"]
        ));
    }
    insta::assert_snapshot!("media_mistakes", all);
    let large = form(&bench, &uri, &[], Some(("a.mp3", &vec![0; (25 << 20) + 1]))).await;
    assert_eq!(large.status, 413, "{}", large.body);
}
