//! `GET /++/images/{number}-{width}x{height}.png`: the pictures that DALL-E's answers
//! link to. No key: neither have the service's links. Nothing is kept: the number in
//! the name is all a picture is made of.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::error;
use crate::aside::aside;
use crate::content::picture;
use crate::service::reply::respond;
use crate::service::resource::Resource;

/// The longest side of a picture, in pixels.
const MOST_PIXELS: u32 = 2_048;

pub(super) async fn show(
    State(resource): State<Arc<Resource>>,
    Path(name): Path<String>,
) -> Response {
    let Some((number, width, height)) = parse(&name) else {
        return error(StatusCode::NOT_FOUND, "no such picture");
    };
    let pool = resource.settings.pool.clone();
    let pixels = width as usize * height as usize;
    let draw = async move { aside(pixels, || picture(width, height, false, number)) };
    let file = pool.run(draw).await;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    respond(StatusCode::OK, headers, file.into())
}

fn parse(name: &str) -> Option<(u64, u32, u32)> {
    let (number, size) = name.strip_suffix(".png")?.split_once('-')?;
    let (width, height) = size.split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|side| (1..=MOST_PIXELS).contains(side));
    Some((u64::from_str_radix(number, 16).ok()?, side(width)?, side(height)?))
}
