//! What the simulator knows of each model: snapshots, sizes, quota ratios and
//! provisioned throughput (specification, sections 1.5, 3.1, 4.1).
//!
//! Facts only. A deployment may override every number a limiter uses.

mod ptu;
mod quota;

pub(crate) use ptu::{PtuFacts, Steps, ptu_facts, ptu_models};
pub(crate) use quota::{RequestLimited, default_tpm, has_flex, request_limited};

use tokens::{ChatOverhead, Encoding, ImageRule, ImageSize, ToolOverhead};

use crate::config::URL_IMAGE;

/// An API operation of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operation {
    /// `chat/completions`
    Chat,
    /// `completions`
    Completions,
    /// `embeddings`
    Embeddings,
    /// `responses`
    Responses,
    /// `images/generations`
    Images,
    /// `images/edits`
    ImageEdits,
    /// `audio/transcriptions`
    Transcriptions,
    /// `audio/translations`
    Translations,
    /// `audio/speech`
    Speech,
}

impl Operation {
    /// Every operation.
    pub(crate) const ALL: [Operation; 9] = [
        Operation::Chat,
        Operation::Completions,
        Operation::Embeddings,
        Operation::Responses,
        Operation::Images,
        Operation::ImageEdits,
        Operation::Transcriptions,
        Operation::Translations,
        Operation::Speech,
    ];

    /// The operation of a name in the configuration.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.key() == key)
    }

    /// The name in the configuration.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Operation::Chat => "chat",
            Operation::Completions => "completions",
            Operation::Embeddings => "embeddings",
            Operation::Responses => "responses",
            Operation::Images => "images",
            Operation::ImageEdits => "image_edits",
            Operation::Transcriptions => "transcriptions",
            Operation::Translations => "translations",
            Operation::Speech => "speech",
        }
    }

    /// Whether the body is a form with files.
    pub(crate) fn takes_form(self) -> bool {
        matches!(self, Self::ImageEdits | Self::Transcriptions | Self::Translations)
    }

    /// Whether a model makes pictures for it.
    pub(crate) fn draws(self) -> bool {
        matches!(self, Self::Images | Self::ImageEdits)
    }

    /// Whether a model writes text for it, token by token.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Chat | Self::Completions)
    }

    /// The name in 429 texts and in the journal.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Chat => "ChatCompletions_Create",
            Operation::Completions => "Completions_Create",
            Operation::Embeddings => "Embeddings_Create",
            Operation::Responses => "Responses_Create",
            Operation::Images => "ImageGenerations_Create",
            Operation::ImageEdits => "ImageEdits_Create",
            Operation::Transcriptions => "Transcriptions_Create",
            Operation::Translations => "Translations_Create",
            Operation::Speech => "Speech_Create",
        }
    }

    /// Whether it is the Responses API, which spills over only when told to.
    pub(crate) fn is_responses(self) -> bool {
        self == Self::Responses
    }

    /// The path, after a surface's prefix.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Operation::Chat => "chat/completions",
            Operation::Completions => "completions",
            Operation::Embeddings => "embeddings",
            Operation::Responses => "responses",
            Operation::Images => "images/generations",
            Operation::ImageEdits => "images/edits",
            Operation::Transcriptions => "audio/transcriptions",
            Operation::Translations => "audio/translations",
            Operation::Speech => "audio/speech",
        }
    }

    /// The word in `OperationNotSupported` texts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Operation::Chat => "chatCompletion",
            Operation::Completions => "completion",
            Operation::Embeddings => "embeddings",
            Operation::Responses => "responses",
            Operation::Images => "imageGenerations",
            Operation::ImageEdits => "imageEdits",
            Operation::Transcriptions => "audioTranscription",
            Operation::Translations => "audioTranslation",
            Operation::Speech => "audioSpeech",
        }
    }
}

/// What kind of model it is: which operations and parameters it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Chat only.
    Chat,
    /// Chat and legacy completions (gpt-35-turbo).
    ChatAndCompletions,
    /// Chat, thinking before it answers: no `max_tokens`, `stop`, `temperature`.
    Reasoning,
    /// Legacy completions only.
    Completions,
    /// Embeddings of this many dimensions.
    Embeddings(usize),
    /// Pictures.
    Images(ImageFamily),
    /// Texts of sounds; `true` for whisper, which translates too.
    Transcription { translates: bool },
    /// Sounds of texts.
    Speech,
}

/// Families of models that make pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageFamily {
    /// gpt-image-1.
    Gpt,
    DallE2,
    DallE3,
}

impl ImageFamily {
    /// The longest prompt, in characters (OpenAI's reference, "Create image").
    pub(crate) fn most_prompt_chars(self) -> usize {
        match self {
            Self::Gpt => 32_000,
            Self::DallE3 => 4_000,
            Self::DallE2 => 1_000,
        }
    }
}

/// One row of the catalogue.
#[derive(Debug)]
pub(crate) struct ModelFacts {
    /// Name as Azure spells it, without date.
    pub name: &'static str,
    /// What `model` says in answers when the deployment names no snapshot.
    pub snapshot: &'static str,
    pub kind: Kind,
    /// Prompt and completion together.
    pub context_tokens: u64,
    /// The most a completion may have.
    pub output_tokens: u64,
    /// Requests a minute for each 1,000 TPM.
    pub rpm_per_1k_tpm: f64,
    /// Whether answers carry a `system_fingerprint`.
    pub fingerprint: bool,
    /// The first `api-version` for which Azure enables it, if not all do.
    pub enabled_since: Option<&'static str>,
    /// The longest prompt that a provisioned deployment, or the priority tier,
    /// takes, if shorter (specification, sections 1.5 and 4.5).
    pub ptu_prompt_tokens: Option<u64>,
}

impl ModelFacts {
    const fn ptu_prompt(self, tokens: u64) -> Self {
        Self { ptu_prompt_tokens: Some(tokens), ..self }
    }

    const fn since(self, version: &'static str) -> Self {
        Self { enabled_since: Some(version), ..self }
    }
}

/// A model as a deployment has it: the catalogue's row plus its own snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub facts: &'static ModelFacts,
    /// `model` in answers.
    pub snapshot: String,
    pub encoding: Encoding,
    pub overhead: ChatOverhead,
    pub tools: ToolOverhead,
    pub images: ImageRule,
    /// The size assumed of an image behind a URL.
    pub url_image: ImageSize,
}

impl Model {
    /// Looks a model up by name, dated or not, in Azure's or OpenAI's spelling.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let spelled = name.to_ascii_lowercase().replace("gpt-3.5-turbo", "gpt-35-turbo");
        let dated = |facts: &&ModelFacts| dated(&spelled, facts.name);
        let exact = MODELS.iter().find(|facts| facts.name == spelled);
        let (facts, snapshot) = match exact {
            Some(facts) => (facts, facts.snapshot.to_owned()),
            None => (MODELS.iter().find(dated)?, spelled.clone()),
        };
        // Models of sounds and pictures count the texts they get as gpt-4o does.
        let encoding = Encoding::for_model(facts.name).unwrap_or(Encoding::O200kBase);
        Some(Self {
            facts,
            snapshot,
            encoding,
            overhead: ChatOverhead::for_model(facts.name),
            tools: ToolOverhead::for_model(facts.name),
            images: ImageRule::for_model(facts.name),
            url_image: URL_IMAGE,
        })
    }

    /// The same as OpenAI names it in answers.
    pub(crate) fn named_by_openai(self) -> Self {
        let snapshot = match self.snapshot.as_str() {
            "gpt-35-turbo" => "gpt-3.5-turbo-0125".to_owned(),
            "gpt-4" => "gpt-4-0613".to_owned(),
            "text-embedding-ada-002" => "text-embedding-ada-002-v2".to_owned(),
            other => other.replace("gpt-35-turbo", "gpt-3.5-turbo"),
        };
        Self { snapshot, ..self }
    }

    /// The operation it is made for.
    pub(crate) fn main_operation(&self) -> Operation {
        match self.facts.kind {
            Kind::Chat | Kind::ChatAndCompletions | Kind::Reasoning => Operation::Chat,
            Kind::Completions => Operation::Completions,
            Kind::Embeddings(_) => Operation::Embeddings,
            Kind::Images(_) => Operation::Images,
            Kind::Transcription { .. } => Operation::Transcriptions,
            Kind::Speech => Operation::Speech,
        }
    }

    /// Whether it takes messages of the system, and tools: o1-mini does not.
    pub(crate) fn takes_instructions(&self) -> bool {
        self.facts.name != "o1-mini"
    }

    /// Whether the model has this operation.
    pub(crate) fn supports(&self, operation: Operation) -> bool {
        match self.facts.kind {
            Kind::Chat | Kind::Reasoning => {
                matches!(operation, Operation::Chat | Operation::Responses)
            }
            Kind::ChatAndCompletions => operation.is_text(),
            Kind::Completions => operation == Operation::Completions,
            Kind::Embeddings(_) => operation == Operation::Embeddings,
            Kind::Images(_) => matches!(operation, Operation::Images | Operation::ImageEdits),
            Kind::Transcription { translates } => {
                operation == Operation::Transcriptions
                    || translates && operation == Operation::Translations
            }
            Kind::Speech => operation == Operation::Speech,
        }
    }
}

/// Whether `name` is `model` with a date: `gpt-4o-2024-08-06`.
fn dated(name: &str, model: &str) -> bool {
    name.strip_prefix(model).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| {
        rest.len() >= 4 && rest.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    })
}

/// Whether OpenAI has retired a model (its deprecations page): unless a deployment
/// has the name, asking for it says so.
pub(crate) fn is_retired(name: &str) -> bool {
    RETIRED.contains(&name)
}

const RETIRED: &[&str] = &[
    "ada",
    "babbage",
    "code-davinci-002",
    "curie",
    "davinci",
    "gpt-3.5-turbo-0301",
    "gpt-3.5-turbo-0613",
    "gpt-3.5-turbo-16k-0613",
    "gpt-4-0314",
    "gpt-4-1106-vision-preview",
    "gpt-4-32k",
    "gpt-4-32k-0314",
    "gpt-4-32k-0613",
    "gpt-4-vision-preview",
    "gpt-4.5-preview",
    "o1-mini",
    "o1-preview",
    "text-ada-001",
    "text-babbage-001",
    "text-curie-001",
    "text-davinci-002",
    "text-davinci-003",
];

/// Every model.
pub(crate) fn facts() -> impl Iterator<Item = &'static ModelFacts> {
    MODELS.iter()
}

/// Every name of the catalogue, for "did you mean".
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|facts| facts.name)
}

const fn model(
    name: &'static str,
    snapshot: &'static str,
    kind: Kind,
    context_tokens: u64,
    output_tokens: u64,
    rpm_per_1k_tpm: f64,
) -> ModelFacts {
    let fingerprint = matches!(kind, Kind::Chat);
    ModelFacts {
        name,
        snapshot,
        kind,
        context_tokens,
        output_tokens,
        rpm_per_1k_tpm,
        fingerprint,
        enabled_since: None,
        ptu_prompt_tokens: None,
    }
}

use Kind::{Chat, ChatAndCompletions, Completions, Embeddings, Images, Reasoning};

const WHISPER: Kind = Kind::Transcription { translates: true };
const TRANSCRIPTION: Kind = Kind::Transcription { translates: false };

/// The o-series has a window of 200,000 tokens, gpt-5 one of 400,000 (272,000
/// in and 128,000 out).
const MODELS: &[ModelFacts] = &[
    model("gpt-35-turbo", "gpt-35-turbo", ChatAndCompletions, 16_385, 4_096, 6.0),
    model("gpt-35-turbo-16k", "gpt-35-turbo-16k", ChatAndCompletions, 16_385, 4_096, 6.0),
    model("gpt-35-turbo-instruct", "gpt-35-turbo-instruct", Completions, 4_097, 4_096, 6.0),
    model("gpt-4", "gpt-4", Chat, 8_192, 8_192, 6.0),
    model("gpt-4-32k", "gpt-4-32k", Chat, 32_768, 32_768, 6.0),
    model("gpt-4-turbo", "gpt-4-turbo-2024-04-09", Chat, 128_000, 4_096, 6.0),
    model("gpt-4o", "gpt-4o-2024-11-20", Chat, 128_000, 16_384, 6.0),
    model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", Chat, 128_000, 16_384, 6.0),
    model("gpt-4.5", "gpt-4.5-preview-2025-02-27", Chat, 128_000, 16_384, 1.0),
    model("gpt-4.1", "gpt-4.1-2025-04-14", Chat, 1_047_576, 32_768, 1.0).ptu_prompt(128_000),
    model("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", Chat, 1_047_576, 32_768, 1.0)
        .ptu_prompt(128_000),
    model("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", Chat, 1_047_576, 32_768, 1.0)
        .ptu_prompt(128_000),
    model("gpt-5", "gpt-5-2025-08-07", Reasoning, 400_000, 128_000, 1.0),
    model("gpt-5-mini", "gpt-5-mini-2025-08-07", Reasoning, 400_000, 128_000, 1.0),
    model("gpt-5-nano", "gpt-5-nano-2025-08-07", Reasoning, 400_000, 128_000, 1.0),
    model("gpt-5-chat", "gpt-5-chat-2025-10-03", Chat, 128_000, 16_384, 1.0),
    model("gpt-5.1", "gpt-5.1-2025-11-13", Reasoning, 400_000, 128_000, 1.0),
    model("gpt-5.2", "gpt-5.2-2025-12-11", Reasoning, 400_000, 128_000, 1.0),
    model("gpt-5.4", "gpt-5.4", Reasoning, 400_000, 128_000, 1.0).ptu_prompt(128_000),
    model("gpt-5.5", "gpt-5.5", Reasoning, 400_000, 128_000, 1.0),
    model("o1", "o1-2024-12-17", Reasoning, 200_000, 100_000, 1.0 / 6.0)
        .since("2024-12-01-preview"),
    model("o1-mini", "o1-mini-2024-09-12", Reasoning, 128_000, 65_536, 0.1),
    model("o3", "o3-2025-04-16", Reasoning, 200_000, 100_000, 1.0),
    model("o3-mini", "o3-mini-2025-01-31", Reasoning, 200_000, 100_000, 0.1),
    model("o3-pro", "o3-pro-2025-06-10", Reasoning, 200_000, 100_000, 0.1),
    model("o4-mini", "o4-mini-2025-04-16", Reasoning, 200_000, 100_000, 1.0),
    model("text-embedding-ada-002", "text-embedding-ada-002", Embeddings(1_536), 8_192, 0, 6.0),
    model("text-embedding-3-small", "text-embedding-3-small", Embeddings(1_536), 8_192, 0, 6.0),
    model("text-embedding-3-large", "text-embedding-3-large", Embeddings(3_072), 8_192, 0, 6.0),
    model("gpt-image-1", "gpt-image-1", Images(ImageFamily::Gpt), 32_000, 0, 6.0),
    model("dall-e-3", "dall-e-3", Images(ImageFamily::DallE3), 4_000, 0, 6.0),
    model("dall-e-2", "dall-e-2", Images(ImageFamily::DallE2), 1_000, 0, 6.0),
    model("whisper", "whisper-1", WHISPER, 16_000, 0, 6.0),
    model("gpt-4o-transcribe", "gpt-4o-transcribe", TRANSCRIPTION, 16_000, 2_000, 6.0),
    model("gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe", TRANSCRIPTION, 16_000, 2_000, 6.0),
    model("tts", "tts-1", Kind::Speech, 4_096, 0, 6.0),
    model("tts-hd", "tts-1-hd", Kind::Speech, 4_096, 0, 6.0),
    model("gpt-4o-mini-tts", "gpt-4o-mini-tts", Kind::Speech, 2_000, 0, 6.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_models_in_every_spelling() {
        let find = |name: &str| Model::find(name).map(|m| (m.facts.name, m.snapshot));
        assert_eq!(find("gpt-3.5-turbo"), Some(("gpt-35-turbo", "gpt-35-turbo".to_owned())));
        let dated = ("gpt-35-turbo", "gpt-35-turbo-0125".to_owned());
        assert_eq!(find("gpt-35-turbo-0125"), Some(dated));
        let dated = ("gpt-4o", "gpt-4o-2024-08-06".to_owned());
        assert_eq!(find("gpt-4o-2024-08-06"), Some(dated));
        assert_eq!(find("gpt-4o-mini"), Some(("gpt-4o-mini", "gpt-4o-mini-2024-07-18".to_owned())));
        assert_eq!(find("gpt-4o-midi"), None);
    }

    #[test]
    fn every_model_has_an_encoding_and_knows_its_operations() {
        for name in names() {
            let model = Model::find(name).unwrap();
            assert!(model.supports(model.main_operation()), "{name}");
        }
        let turbo = Model::find("gpt-35-turbo").unwrap();
        assert!(turbo.supports(Operation::Chat) && turbo.supports(Operation::Completions));
        assert!(!Model::find("gpt-4o").unwrap().supports(Operation::Completions));
    }
}
