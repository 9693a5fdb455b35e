//! Probabilities of tokens: Google's `logprobsResult` and OpenAI's `logprobs`, which is the
//! canonical form.

use serde_json::{Value, json};

use super::wire::{list, member, number, text};

/// OpenAI's `logprobs` from a `logprobsResult`; `None` when it names no token.
pub fn read(result: &Value) -> Option<Value> {
    let top = list(result, "topCandidates");
    let content: Vec<Value> = list(result, "chosenCandidates")
        .iter()
        .enumerate()
        .map(|(index, chosen)| {
            let mut token = read_token(chosen);
            let likely = top.get(index).map(|step| list(step, "candidates")).unwrap_or_default();
            token["top_logprobs"] = likely.iter().map(read_token).collect();
            token
        })
        .collect();
    (!content.is_empty()).then(|| json!({"content": content, "refusal": null}))
}

/// A `logprobsResult` from OpenAI's `logprobs`; `None` when it names no token.
pub fn write(logprobs: &Value) -> Option<Value> {
    let content = member(logprobs, "content")?.as_array().filter(|content| !content.is_empty())?;
    let chosen: Vec<Value> = content.iter().map(write_token).collect();
    let top: Vec<Value> = content
        .iter()
        .map(|token| {
            let likely = token["top_logprobs"].as_array().map(Vec::as_slice).unwrap_or_default();
            json!({"candidates": likely.iter().map(write_token).collect::<Vec<_>>()})
        })
        .collect();
    Some(json!({"chosenCandidates": chosen, "topCandidates": top}))
}

fn read_token(candidate: &Value) -> Value {
    let token = text(candidate, "token").unwrap_or_default();
    json!({"token": token, "logprob": number(candidate, "logProbability").unwrap_or(0.0), "bytes": token.as_bytes()})
}

fn write_token(token: &Value) -> Value {
    json!({"token": token["token"], "logProbability": token["logprob"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_survive_there_and_back() {
        let result = json!({
            "chosenCandidates": [{"token": "hé", "logProbability": -0.25}, {"token": "!", "logProbability": -1.5}],
            "topCandidates": [
                {"candidates": [{"token": "hé", "logProbability": -0.25}, {"token": "ho", "logProbability": -2.0}]},
                {"candidates": []},
            ],
        });
        let read = read(&result).unwrap();
        assert_eq!(read["content"][0]["bytes"], json!([104, 195, 169]));
        assert_eq!(read["content"][0]["top_logprobs"][1]["token"], "ho");
        assert_eq!(write(&read), Some(result));
        assert_eq!(write(&json!({"content": null})), None);
    }
}
