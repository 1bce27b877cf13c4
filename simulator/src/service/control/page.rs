//! The page at `/`: deployments, utilisation, recent requests, and two settings to
//! change. It knows no more than any client: everything it shows comes from `/++/`,
//! with the key that the person gives.

use axum::response::Html;

pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}
