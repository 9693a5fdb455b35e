//! Which result answers which call.

/// The calls of a conversation so far.
#[derive(Debug, Default)]
pub struct Calls {
    calls: Vec<Call>,
    /// How many ids were made.
    made: usize,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    is_answered: bool,
}

impl Calls {
    /// Notes a call and returns its id: its own, or one that no other call of the conversation has.
    pub fn begin(&mut self, id: &str, name: &str) -> String {
        let id = if id.is_empty() { self.make() } else { id.to_owned() };
        self.calls.push(Call { id: id.clone(), name: name.to_owned(), is_answered: false });
        id
    }

    /// The id of the call that a result answers: by the result's own id, else the first call of the
    /// name that has no answer yet. A result of no call keeps its id or gets one.
    pub fn answer(&mut self, id: &str, name: &str) -> String {
        let by_id = self.open(|call| !id.is_empty() && call.id == id);
        match by_id.or_else(|| self.open(|call| call.name == name)) {
            Some(found) => found,
            None if id.is_empty() => self.make(),
            None => id.to_owned(),
        }
    }

    fn open(&mut self, is_meant: impl Fn(&Call) -> bool) -> Option<String> {
        let call = self.calls.iter_mut().find(|call| !call.is_answered && is_meant(call))?;
        call.is_answered = true;
        Some(call.id.clone())
    }

    /// Ids must be free of characters that other dialects refuse, and short.
    fn make(&mut self) -> String {
        loop {
            let id = format!("call_{}", self.made);
            self.made += 1;
            if !self.calls.iter().any(|call| call.id == id) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_calls_of_one_name_differ_and_are_answered_in_order() {
        let mut calls = Calls::default();
        assert_eq!(
            (calls.begin("", "f"), calls.begin("", "f"), calls.begin("", "g")),
            ("call_0".into(), "call_1".into(), "call_2".into())
        );
        assert_eq!(calls.answer("", "g"), "call_2");
        assert_eq!(calls.answer("", "f"), "call_0");
        assert_eq!(calls.answer("", "f"), "call_1");
        assert_eq!(calls.answer("", "f"), "call_3");
    }

    #[test]
    fn ids_go_before_names_and_made_ones_avoid_them() {
        let mut calls = Calls::default();
        calls.begin("call_0", "f");
        assert_eq!(calls.begin("", "f"), "call_1");
        assert_eq!(calls.answer("call_1", "f"), "call_1");
        assert_eq!(calls.answer("other", "f"), "call_0");
        assert_eq!(calls.answer("lost", "f"), "lost");
    }
}
