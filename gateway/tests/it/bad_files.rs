//! Each file of `data/bad` with the diagnostics it gets. A policy document is
//! loaded as the policy of one API.

use std::path::Path;

use seam::env::Env;

const CONFIG: &str = r#"
version = 1

[[named_values]]
name = "header"
value = "a long header name"

[[backends]]
id = "b1"
url = "http://b1"

[[backends]]
id = "b2"
url = "http://b2"

[[loggers]]
id = "usage"

[[fragments]]
id = "shared-fragment"
file = "shared-fragment.xml"

[[apis]]
id = "a"
path = "a"
policy = "POLICY"

subscription_required = false

[[apis.operations]]
id = "all"
method = "GET"
url_template = "/*"
"#;

fn problems(path: &Path) -> String {
    let loaded = if path.extension().is_some_and(|extension| extension == "toml") {
        gateway::load(path, &Env::empty())
    } else {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gateway.toml");
        let text = CONFIG.replace("POLICY", path.to_str().unwrap());
        std::fs::write(&config, text).unwrap();
        std::fs::write(folder.path().join("shared-fragment.xml"), "<fragment />").unwrap();
        gateway::load(&config, &Env::empty())
    };
    let problems = match loaded {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    assert!(!problems.is_empty(), "{} is not bad", path.display());
    let folder = format!("{}/", path.parent().unwrap().display());
    let all: Vec<String> =
        problems.iter().map(|problem| problem.render(false).replace(&folder, "")).collect();
    all.join("\n")
}

#[test]
fn every_bad_file_gets_its_diagnostics() {
    insta::glob!("../data/bad", "*.{toml,xml}", |path| {
        insta::assert_snapshot!(problems(path));
    });
}
