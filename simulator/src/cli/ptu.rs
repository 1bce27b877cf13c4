//! `simulator ptu`: the sizing calculator's arguments and answers.

use std::fmt::Write as _;

use seam::diagnostic::Diagnostic;
use serde_json::{Value, json};

use crate::catalogue::{ptu_facts, ptu_models};
use crate::sizing::{Load, Processing, Sizing, Worth, size};

pub(super) const EXAMPLES: &str = "\
Examples:
  simulator ptu --model gpt-4o --rpm 300 --prompt 1500 --completion 250
      Size a global or data zone deployment.

  simulator ptu --model gpt-5.2 --rpm 1000 --prompt 200 --completion 20 --cache 0.5 --regional
      Half of the prompt tokens come from the cache; data stays in one region.

  simulator ptu --model gpt-4o-mini --rpm 500 --prompt 1000 --completion 300 --output-ratio 3 --json
      With the ratio of the pages of 2024-25, for another program.";

/// A load to size for.
#[derive(Debug, clap::Args)]
pub(super) struct Ptu {
    /// Model, dated or not: gpt-4o, gpt-5.2, DeepSeek-R1 …
    #[arg(long, value_name = "NAME")]
    pub model: String,
    /// Requests per minute at the peak.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub rpm: f64,
    /// Tokens of a prompt, on average.
    #[arg(long, value_name = "TOKENS", value_parser = not_negative)]
    pub prompt: f64,
    /// Tokens of a completion, on average.
    #[arg(long, value_name = "TOKENS", value_parser = not_negative)]
    pub completion: f64,
    /// Share of the prompt tokens that are cached, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub cache: f64,
    /// A regional deployment instead of a global or data zone one.
    #[arg(long)]
    pub regional: bool,
    /// Input tokens that an output token weighs, instead of the model's row.
    #[arg(long, value_name = "RATIO", value_parser = positive)]
    pub output_ratio: Option<f64>,
    /// Input tokens per minute for each PTU, instead of the model's row.
    #[arg(long, value_name = "TPM", value_parser = positive)]
    pub input_tpm_per_ptu: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

fn number(text: &str) -> Result<f64, String> {
    match text.replace('_', "").parse::<f64>() {
        Ok(number) if number.is_finite() && number <= 1e12 => Ok(number),
        _ => Err("expected a number such as 300".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(
        |number| {
            if 0.0 < number { Ok(number) } else { Err("must be above 0".to_owned()) }
        },
    )
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| {
        if 0.0 <= number { Ok(number) } else { Err("must not be negative".to_owned()) }
    })
}

fn share(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| {
        if (0.0..=1.0).contains(&number) {
            Ok(number)
        } else {
            Err("must be between 0 and 1".to_owned())
        }
    })
}

/// The text to print, or what is wrong with the question.
pub(super) fn answer(asked: &Ptu) -> Result<String, Diagnostic> {
    let Some(facts) = ptu_facts(&asked.model) else {
        let models: Vec<&str> = ptu_models().collect();
        let message = format!("no provisioned throughput is published for `{}`", asked.model);
        return Err(Diagnostic::without_source(message)
            .did_you_mean(&asked.model, models.iter().copied())
            .help(format!("known: {}", models.join(", "))));
    };
    let processing = if asked.regional { Processing::Regional } else { Processing::Global };
    let Some(mut worth) = Worth::published(facts, processing) else {
        let message = format!("`{}` has no regional deployments", asked.model);
        return Err(Diagnostic::without_source(message).help("leave out `--regional`"));
    };
    worth.output_ratio = asked.output_ratio.unwrap_or(worth.output_ratio);
    worth.input_tpm_per_ptu = asked.input_tpm_per_ptu.unwrap_or(worth.input_tpm_per_ptu);
    let load = Load {
        rpm: asked.rpm,
        prompt: asked.prompt,
        completion: asked.completion,
        cache: asked.cache,
    };
    let sizing = size(load, worth);
    Ok(if asked.json {
        json_text(asked, &sizing, facts.target_tokens_per_second)
    } else {
        readable(asked, &sizing, facts.target_tokens_per_second)
    })
}

fn json_text(asked: &Ptu, sizing: &Sizing, target: f64) -> String {
    let mut value = json!({
        "model": asked.model,
        "processing": processing(asked),
        "rpm": asked.rpm,
        "prompt_tokens": asked.prompt,
        "completion_tokens": asked.completion,
        "cache_share": asked.cache,
        "latency_target_tokens_per_second": target,
    });
    if let (Some(object), Ok(Value::Object(more))) =
        (value.as_object_mut(), serde_json::to_value(sizing))
    {
        object.extend(more);
    }
    format!("{value:#}\n")
}

fn processing(asked: &Ptu) -> &'static str {
    if asked.regional { "regional" } else { "global or data zone" }
}

fn readable(asked: &Ptu, sizing: &Sizing, target: f64) -> String {
    let Ptu { model, rpm, prompt, completion, cache, .. } = asked;
    let mut text = format!("{} PTU for {model}, {}\n\n", sizing.ptu, processing(asked));
    let cached = if 0.0 < *cache { format!(" × {} uncached", 1.0 - cache) } else { String::new() };
    let _ = writeln!(
        text,
        "  input   {rpm} RPM × {prompt} tokens{cached} = {} a minute",
        sizing.input_tpm
    );
    let _ = writeln!(
        text,
        "  output  {rpm} RPM × {completion} tokens × {} = {} a minute",
        sizing.output_ratio, sizing.output_tpm
    );
    let _ = writeln!(
        text,
        "  needed  {} ÷ {} for each PTU = {:.2} PTU",
        sizing.normalized_tpm, sizing.input_tpm_per_ptu, sizing.exact_ptu
    );
    let _ = writeln!(
        text,
        "  offered from {} in steps of {}: {} PTU, used to {:.1} %",
        sizing.least_ptu, sizing.step_ptu, sizing.ptu, sizing.utilization_percent
    );
    let _ = writeln!(text, "  latency target of the model: more than {target} tokens a second");
    if !sizing.fits_one_deployment {
        text.push_str("  more than one deployment can have (100000 PTU): divide the load\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ptu(model: &str) -> Ptu {
        Ptu {
            model: model.to_owned(),
            rpm: 1_000.0,
            prompt: 200.0,
            completion: 20.0,
            cache: 0.5,
            regional: true,
            output_ratio: None,
            input_tpm_per_ptu: None,
            json: false,
        }
    }

    #[test]
    fn the_answer_shows_its_arithmetic() {
        insta::assert_snapshot!(answer(&ptu("gpt-5.2")).unwrap(), @r"
        100 PTU for gpt-5.2, regional

          input   1000 RPM × 200 tokens × 0.5 uncached = 100000 a minute
          output  1000 RPM × 20 tokens × 8 = 160000 a minute
          needed  260000 ÷ 3400 for each PTU = 76.47 PTU
          offered from 50 in steps of 50: 100 PTU, used to 76.5 %
          latency target of the model: more than 50 tokens a second
        ");
        let json = answer(&Ptu { json: true, ..ptu("gpt-5.2") }).unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["ptu"], &json["normalized_tpm"]), (&100.into(), &260_000.0.into()));
        let old = Ptu { output_ratio: Some(3.0), regional: false, cache: 0.0, ..ptu("gpt-4o") };
        assert!(answer(&old).unwrap().contains("× 3 = 60000"));
    }

    #[test]
    fn mistakes_are_named() {
        let render = |asked: &Ptu| answer(asked).unwrap_err().render(false);
        let unknown = render(&ptu("gpt-4p"));
        assert!(unknown.contains("`gpt-4p`") && unknown.contains("gpt-4o"), "{unknown}");
        let regional = render(&ptu("DeepSeek-R1"));
        assert!(regional.contains("no regional deployments"), "{regional}");
        assert!(share("1.5").is_err() && positive("0").is_err() && not_negative("-1").is_err());
        assert!(number("NaN").is_err() && number("1_000").is_ok());
    }
}
