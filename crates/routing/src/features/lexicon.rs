//! Which words speak of what: a small hand-written lexicon, hashed at compile time.
//!
//! A word may belong to several categories. Words are looked up by the same hash that names n-gram
//! slots, so a word is hashed once. The lists are English, the language of most prompts that routers
//! see; text in other languages is judged by its structure alone.

/// What a word speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Category {
    /// Amounts and their relations: "percent", "twice", "altogether".
    Quantity,
    /// Asks to work something out: "calculate", "solve".
    Compute,
    /// Asks for or speaks of proof.
    Proof,
    /// Nouns of school mathematics.
    Maths,
    /// Terms of advanced mathematics and theory.
    Advanced,
    /// Physics and engineering.
    Physics,
    /// Chemistry.
    Chemistry,
    /// Biology and medicine.
    Life,
    /// Law and government.
    Law,
    /// Economics and business.
    Business,
    /// History, philosophy, religion, the arts.
    Humanities,
    /// Programming.
    Code,
    /// Conditions and suppositions.
    Condition,
    /// Negation and exception.
    Negation,
    /// Demands on the answer.
    Constraint,
    /// The form of the answer.
    Format,
    /// Invention.
    Creative,
    /// Shortening.
    Summarise,
    /// From one language to another.
    Translate,
    /// Finding or labelling what is in a text.
    Extract,
    /// Explanation and comparison.
    Explain,
    /// Question words about facts.
    Recall,
    /// Order in time.
    Order,
    /// Relations between things, as puzzles have them.
    Relation,
    /// Changes to a given text.
    Edit,
    /// Talk from person to person.
    Chat,
    /// Words that carry grammar, not content.
    Function,
    /// Joins tasks together.
    Join,
    /// Everyday people, things and acts.
    Everyday,
    /// Things that assistants do through tools.
    Errand,
}

/// How many categories there are.
pub const CATEGORIES: usize = 30;

/// The bit of a category in a mask.
pub const fn bit(category: Category) -> u32 {
    1 << category as u8
}

/// The hash of a word: FNV-1a over its lowercase bytes.
pub const fn hash(word: &[u8]) -> u32 {
    let mut hash = HASH_START;
    let mut index = 0;
    while index < word.len() {
        hash = hash_byte(hash, word[index]);
        index += 1;
    }
    hash
}

/// Where [`hash_byte`] starts.
pub const HASH_START: u32 = 0x811c_9dc5;

/// Adds one byte to a hash.
#[inline]
pub const fn hash_byte(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// The categories of the word with this hash, as a mask; 0 for a word that is in no list.
#[inline]
pub fn categories(hash: u32) -> u32 {
    let mut place = hash as usize & MASK;
    loop {
        let (word, mask) = TABLE[place];
        if word == hash || mask == 0 {
            return mask;
        }
        place = (place + 1) & MASK;
    }
}

const LISTS: [(Category, &str); CATEGORIES] = [
    (
        Category::Quantity,
        "many much number total sum average mean per each percent percentage ratio half twice double triple remaining left altogether fraction amount cost price dollars cents rate times fewer more less dozen quarter third",
    ),
    (
        Category::Compute,
        "calculate compute determine find evaluate solve simplify estimate derive obtain count maximize minimize factor express",
    ),
    (Category::Proof, "prove proof show theorem lemma conjecture disprove induction corollary counterexample"),
    (
        Category::Maths,
        "polynomial integer integers prime matrix vector integral derivative triangle circle probability equation graph modulo root roots angle sequence digits digit divisible congruent real positive negative square cube rectangle radius diameter perimeter area volume coordinates line parabola function functions complex number numbers values permutations combinations arithmetic geometric logarithm sine cosine tangent inequality multiple multiples divisor divisors even odd sides polygon hexagon sphere plane point points distance",
    ),
    (
        Category::Advanced,
        "eigenvalue eigenvalues eigenvector isomorphic isomorphism homomorphism manifold homology cohomology stochastic topology topological asymptotic convex lagrangian hamiltonian fourier laplace bayesian quantum tensor banach hilbert abelian galois markov gaussian differential compact bijection surjective injective measurable ergodic entropy variational perturbation relativistic spectral orthogonal subgroup ring ideal module functor category",
    ),
    (
        Category::Physics,
        "velocity acceleration force mass energy voltage current temperature pressure wavelength resistance frequency momentum friction gravity electric magnetic field charge circuit capacitor inductor density thermal heat entropy turbine pump steam pipe fluid flow beam stress strain torque motor generator transformer photon electron proton nucleus radiation lens mirror refraction resistor ohms volts amperes watts kg meters velocity rotor shaft pulley cylinder piston nozzle enthalpy isentropic adiabatic reynolds",
    ),
    (
        Category::Chemistry,
        "molar molarity mole moles reaction acid base equilibrium solution titration oxidation compound molecule molecules atom atoms ion ions solubility buffer ph reagent catalyst hydrogen oxygen carbon nitrogen sodium chloride sulfate enthalpy isotope polymer alkane ester ketone aldehyde benzene nmr spectrum grams gaseous stoichiometric",
    ),
    (
        Category::Life,
        "cell cells gene genes dna rna protein proteins enzyme enzymes species evolution organism bacteria virus membrane chromosome allele allele patient patients symptoms diagnosis disease treatment therapy blood heart brain kidney liver tumor cancer drug drugs dose infection immune antibody plasma neuron hormone clinical syndrome chronic acute",
    ),
    (
        Category::Law,
        "court law legal plaintiff defendant contract statute constitutional liability negligence jury attorney criminal crime tort property deed amendment jurisdiction appeal federal legislature congress treaty rights trial evidence",
    ),
    (
        Category::Business,
        "market demand supply elasticity inflation monetary fiscal firm profit revenue tax bond stock dividend interest loan investment asset equity depreciation inventory accounting budget marketing consumer monopoly gdp unemployment shareholders yield coupon salary insurance premium",
    ),
    (
        Category::Humanities,
        "history century war empire king philosopher philosophy moral ethics ethical religion god bible novel poet painting culture ancient medieval revolution kant plato aristotle utilitarian hume virtue society political democracy literature author argument",
    ),
    (
        Category::Code,
        "python code array string strings return implement algorithm sql class bug error compile javascript java rust programming program function functions method variable loop recursion list lists dictionary tuple api html css query database regex script output input element elements sorted pytest assert debug stack tree node typescript kotlin docker git linux bash command backend server",
    ),
    (
        Category::Condition,
        "if unless then either neither whether suppose assume assuming given let such otherwise when provided",
    ),
    (
        Category::Negation,
        "not no never except without cannot none neither nor false incorrect least nobody nothing isn aren doesn don didn wasn won",
    ),
    (
        Category::Constraint,
        "must exactly least most only should ensure always avoid include exclude limit maximum minimum required require requires cannot every all contain contains end start begin response entire",
    ),
    (
        Category::Format,
        "json table list bullet markdown csv xml yaml format words sentences sentence paragraph paragraphs capital lowercase uppercase letters letter commas comma placeholders title sections section bold highlighted boxed wrapped double quotation html",
    ),
    (
        Category::Creative,
        "write story poem essay song lyrics novel joke blog script character slogan haiku compose imagine create design invent dialogue article speech letter post pitch riddle limerick brainstorm ideas",
    ),
    (
        Category::Summarise,
        "summarize summarise summary tldr condense shorten brief briefly outline gist abstract headline",
    ),
    (
        Category::Translate,
        "translate translation translated spanish french german chinese japanese italian russian portuguese korean arabic hindi latin english language",
    ),
    (
        Category::Extract,
        "extract classify identify label categorize sentiment entities entity keyword keywords positive negative neutral category categories topic tag detect mentioned passage according following text paragraph document based context",
    ),
    (
        Category::Explain,
        "explain describe compare discuss why how difference differences analyze analyse advantages disadvantages pros cons contrast elaborate reason reasons meaning",
    ),
    (
        Category::Recall,
        "who when where which what whom whose name named capital called known year author founded located largest first",
    ),
    (
        Category::Order,
        "before after first second last next then earlier later until during while finally previously since ago today yesterday tomorrow monday date days weeks months years hours minutes",
    ),
    (
        Category::Relation,
        "left right older younger taller shorter faster slower heavier between next immediately houses house owns lives sits seated puzzle clue clues knights knaves truth liar lies truthful colored color favorite person different attribute position opposite north south east west above below",
    ),
    (
        Category::Edit,
        "rewrite paraphrase improve correct grammar proofread edit revise rephrase fix polish replace convert modify",
    ),
    (
        Category::Chat,
        "hi hello thanks thank you your feel i my me please we am im sorry help advice should want need friend girlfriend boyfriend",
    ),
    (
        Category::Function,
        "the a an of to in on at for with by from as is are was were be been being it its this that these those and or but so than into over under out up down off about between through which who do does did has have had will would can could may might shall there their they them he she his her him we our us you your i my me what how when where why not no if then",
    ),
    (
        Category::Join,
        "and also then additionally finally furthermore both step steps moreover next plus along together respectively followed separately",
    ),
    (
        Category::Everyday,
        "man woman boy girl people person child kids house car dog cat food water kitchen school park table chair door hand ball game play walk eat drink cook store buy bought sell friend family mother father sister brother money apples cookies shirt bike room bag box book books",
    ),
    (
        Category::Errand,
        "search book order schedule call send get play weather flight hotel restaurant email message calendar remind booking reservation ticket current news location nearby route directions temperature convert look set turn",
    ),
];

const SIZE: usize = 2048;
const MASK: usize = SIZE - 1;
static TABLE: [(u32, u32); SIZE] = build();

const fn build() -> [(u32, u32); SIZE] {
    let mut table = [(0_u32, 0_u32); SIZE];
    let mut list = 0;
    while list < LISTS.len() {
        let (category, words) = LISTS[list];
        table = add(table, bit(category), words.as_bytes());
        list += 1;
    }
    table
}

const fn add(mut table: [(u32, u32); SIZE], mask: u32, words: &[u8]) -> [(u32, u32); SIZE] {
    let mut hash = HASH_START;
    let mut index = 0;
    while index <= words.len() {
        if index == words.len() || words[index] == b' ' {
            let mut place = hash as usize & MASK;
            while table[place].1 != 0 && table[place].0 != hash {
                place = (place + 1) & MASK;
            }
            table[place] = (hash, table[place].1 | mask);
            hash = HASH_START;
        } else {
            hash = hash_byte(hash, words[index]);
        }
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_every_list_they_are_in() {
        let masks = categories(hash(b"function"));
        assert_eq!(masks, bit(Category::Maths) | bit(Category::Code));
        assert_eq!(categories(hash(b"zyzzyva")), 0);
    }

    #[test]
    fn lists_are_in_the_order_of_the_categories() {
        for (index, (category, words)) in LISTS.iter().enumerate() {
            assert_eq!(*category as usize, index);
            for word in words.split(' ') {
                assert_ne!(categories(hash(word.as_bytes())) & bit(*category), 0, "{word}");
            }
        }
    }
}
