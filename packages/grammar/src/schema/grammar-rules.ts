import type { ByteAutomaton } from "../automaton/byte-automaton.ts";
import type { CommonAutomatons } from "../automaton/common-automatons.ts";
import { oneOfTexts, otherKey } from "../automaton/text-automatons.ts";
import type { WorkLimit } from "../automaton/work-limit.ts";
import { GrammarError } from "../grammar-error.ts";
import { limits } from "../limits.ts";
import type {
  AutomatonRule,
  ItemsRule,
  Member,
  MembersRule,
  Punctuation,
  ReferenceRule,
  Rule,
  TextRule,
} from "../rule.ts";

/** The rules of one grammar, and those that every grammar has: punctuation, any string, any value. */
export class GrammarRules {
  readonly work: WorkLimit;
  readonly all: Rule[] = [];
  readonly common: CommonAutomatons;
  readonly #texts = new Map<string, AutomatonRule>();
  readonly #free: Rule[] = [];
  #anyString: Rule | undefined;
  #anyKey: Rule | undefined;
  #scalars: readonly Rule[] | undefined;
  #punctuation: Punctuation | undefined;

  constructor(work: WorkLimit, common: CommonAutomatons) {
    this.common = common;
    this.work = work;
  }

  /** Undefined, where an automaton accepts nothing, becomes a rule that no text satisfies. */
  automaton(automaton: ByteAutomaton | undefined): Rule {
    if (automaton === undefined) return this.choice([]);
    return this.#add({ kind: "automaton", automaton, ...this.#common() });
  }

  /** Exactly this text. */
  text(text: string): Rule {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const automaton = oneOfTexts(this.work, "schema", [text])!;
    const rule = this.#add<AutomatonRule>({ kind: "automaton", automaton, ...this.#common() });
    this.#texts.set(text, rule);
    return rule;
  }

  sequence(parts: readonly Rule[]): Rule {
    return this.#add({ kind: "sequence", parts, ...this.#common() });
  }

  choice(alternatives: readonly Rule[]): Rule {
    const [only] = alternatives;
    if (alternatives.length === 1 && only !== undefined) return only;
    return this.#add({ kind: "choice", alternatives, ...this.#common() });
  }

  reference(): ReferenceRule {
    return this.#add<ReferenceRule>({ kind: "reference", target: undefined, ...this.#common() });
  }

  /** A string of min to max characters. */
  string(min: number, max: number): Rule {
    if (min === 0 && max === Number.POSITIVE_INFINITY) return this.anyString;
    return this.quoted(this.#text(min, max));
  }

  quoted(content: Rule): Rule {
    const quote = this.text('"');
    return this.sequence([quote, content, quote]);
  }

  object(members: readonly Member[], others: MembersRule["others"], min: number, max: number): Rule {
    const { punctuation } = this;
    const common = this.#common();
    const rule = this.#add({ kind: "members", members, others, min, max, punctuation, ...common });
    return this.sequence([this.text("{"), rule]);
  }

  array(first: readonly Rule[], rest: Rule | undefined, min: number, max: number): Rule {
    const { punctuation } = this;
    const rule = this.#add<ItemsRule>({
      kind: "items",
      first,
      rest,
      min,
      max,
      punctuation,
      ...this.#common(),
    });
    return this.sequence([this.text("["), rule]);
  }

  /** A key of an object with the colon, and at most one space after it. */
  key(name: string): Rule {
    return this.automaton(
      oneOfTexts(
        this.work,
        "schema",
        ["", " "].map((space) => `${JSON.stringify(name)}:${space}`),
      ),
    );
  }

  otherKey(path: string, names: Iterable<string>): Rule {
    const key = otherKey(this.work, path, names);
    return this.sequence([this.automaton(key), this.automaton(this.common.colon)]);
  }

  /** Any value, `depth` levels down in others. */
  anyValue(depth = 0): Rule {
    const known = this.#free[depth];
    if (known !== undefined) return known;
    const nested = depth < limits.freeDepth ? [this.anyObject(depth + 1), this.anyArray(depth + 1)] : [];
    const rule = this.choice([this.anyString, ...this.#otherScalars(), ...nested]);
    this.#free[depth] = rule;
    return rule;
  }

  anyObject(depth = 1): Rule {
    this.#anyKey ??= this.sequence([this.automaton(this.common.key), this.automaton(this.common.colon)]);
    return this.object([], { key: this.#anyKey, value: this.anyValue(depth) }, 0, Number.POSITIVE_INFINITY);
  }

  anyArray(depth = 1): Rule {
    return this.array([], this.anyValue(depth), 0, Number.POSITIVE_INFINITY);
  }

  get anyString(): Rule {
    this.#anyString ??= this.quoted(this.automaton(this.common.characters));
    return this.#anyString;
  }

  get punctuation(): Punctuation {
    this.#punctuation ??= {
      comma: this.automaton(this.common.comma),
      closeObject: this.text("}"),
      closeArray: this.text("]"),
    };
    return this.#punctuation;
  }

  #otherScalars(): readonly Rule[] {
    this.#scalars ??= [this.automaton(this.common.number), this.automaton(this.common.literal)];
    return this.#scalars;
  }

  #text(min: number, max: number): TextRule {
    const { characters } = this.common;
    const bare = (least: number, most: number): TextRule =>
      this.#add({ kind: "text", characters, min: least, max: most, ...this.#common() });
    const unlimited = bare(0, Number.POSITIVE_INFINITY);
    const endless = bare(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    return this.#add({ kind: "text", characters, min, max, unlimited, endless, ...this.#common() });
  }

  #common(): { id: number; ends: boolean } {
    return { id: this.all.length, ends: false };
  }

  #add<T extends Rule>(rule: T): T {
    this.work.check();
    if (this.all.length >= limits.rules) {
      throw new GrammarError("too-large", `expected at most ${limits.rules} rules`, "schema");
    }
    this.all.push(rule);
    return rule;
  }
}
