// The page of one image; it is made when it is first looked at.

const TRIED = {
  satisfies: ["✓", "keeps every rule", "passed"],
  unproven: ["?", "keeps every rule, but no rule has run the program without its C", "undecidable"],
  breaks: ["✕", "breaks another rule", "violated"],
  "does-not-build": ["✕", "does not build", "violated"],
  "does-not-start": ["✕", "does not start", "violated"],
};

function drawnTrial(trial) {
  const [sign, word, tone] = TRIED[trial.outcome];
  return h("li", { class: `trial ${tone}` },
    h("p", null, h("span", { class: "mark", "aria-hidden": "true" }, sign), " ", h("b", null, trial.remedy), " ",
      h("span", { class: "tag" }, word)),
    trial.detail ? h("p", null, trial.detail) : null,
    trial.price ? h("p", { class: "price" }, "Price: ", trial.price) : null,
    trial.toml ? copyable("golink.toml", trial.toml) : null,
    trial.goreleaser ? copyable(".goreleaser.yaml", trial.goreleaser) : null,
    trial.shell ? copyable("shell", trial.shell) : null);
}

function drawnPlatforms(platforms) {
  // Where it does not start, then where that is not known.
  const order = [false, null, true];
  const sorted = [...platforms].sort((one, other) => order.indexOf(one[1]) - order.indexOf(other[1]));
  return h("ul", { class: "platforms" }, ...sorted.map(([name, starts, reason]) => {
    const answer = STARTS.get(starts);
    return h("li", { class: answer.tone }, h("p", null, h("span", { class: "mark", "aria-hidden": "true" }, answer.mark), " ",
      h("b", null, name), " ", h("span", { class: "tag" }, answer.word)), h("p", null, reason));
  }));
}

// What has no answer: why, in the words of whatever failed.
function drawnError(error) {
  return h("section", { class: "finding error", id: `finding-${error.number}`, "aria-labelledby": `heading-${error.number}` },
    h("h3", { id: `heading-${error.number}`, tabindex: "-1" }, mark("error"), " ", error.kind, " ", h("span", { class: "tag" }, "error")),
    h("p", null, error.observed),
    error.text ? copyable("the whole error", error.text) : null,
    rows([["at", error.place], ["checked by", fewOf(error.tests)]], { class: "from" }));
}

function fewOf(tests) {
  return tests.length > 3 ? [...tests.slice(0, 3), `and ${tests.length - 3} more`] : tests;
}

// `causes` has the lines of a cause that the page shows already, each with the rule that has it: each stands there once.
function drawnFinding(finding, causes) {
  const chains = finding.chains.map((chain) => [JSON.stringify(chain), chain]);
  const known = [...finding.cause, ...chains.map(([text]) => text)].find((line) => causes.has(line));
  const shown = finding.cause.filter((line) => !causes.has(line)).concat(known === undefined ? [] : [`see ${causes.get(known)}`]);
  const drawn = chains.filter(([text]) => !causes.has(text)).map(([, chain]) => drawnChain(chain));
  for (const line of [...finding.cause, ...chains.map(([text]) => text)]) if (!causes.has(line)) causes.set(line, finding.rule);
  const given = finding.parameters.map(([name, value]) => ` ${name}=${value}`).join("");
  const part = (name, ...inside) => h("div", { class: "part" }, h("h4", null, name), ...inside);
  const prose = (lines) => lines.map((line) => h("p", null, line));
  return h("section", { class: `finding ${finding.outcome}`, id: `finding-${finding.number}`, "aria-labelledby": `heading-${finding.number}` },
    h("h3", { id: `heading-${finding.number}`, tabindex: "-1" }, mark(finding.outcome), " ", finding.rule,
      given ? h("span", { class: "asked" }, given) : null, " ", h("span", { class: "tag" }, finding.outcome)),
    rows([["expected", finding.expected], ["observed", finding.observed]], { class: "answer" }),
    finding.waiver ? h("p", { class: "waiver" }, h("b", null, "Waived: "), finding.waiver) : null,
    finding.evidence.length ? part("Evidence", h("ul", { class: "evidence" }, ...finding.evidence.map((line) => h("li", null, line)))) : null,
    finding.platforms.length ? part("Platforms", drawnPlatforms(finding.platforms)) : null,
    shown.length || drawn.length ? part("Cause", ...prose(shown), ...drawn) : null,
    finding.remedy.length || finding.trials.length ? part("Remedy", ...prose(finding.remedy),
      finding.trials.length ? h("ul", { class: "trials" }, ...finding.trials.map(drawnTrial)) : null) : null,
    finding.caution.length ? h("div", { class: "caution" }, ...finding.caution.map((line) => h("p", null, h("b", null, "Not covered: "), line))) : null,
    rows([["written at", finding.place], ["checked by", fewOf(finding.tests)]], { class: "from" }));
}

// `expanded` is for paper: there nothing can be opened.
function imagePage(image, expanded) {
  const facts = image.facts === undefined ? null : DATA.pool[image.facts];
  const sorted = [...image.findings].sort(worse);
  const first = sorted.filter((finding) => FAILING.has(finding.outcome) || finding.outcome === "waived");
  const rest = sorted.filter((finding) => !first.includes(finding));
  const counts = OUTCOMES.map((outcome) => [outcome, sorted.filter((finding) => finding.outcome === outcome).length]);
  const page = h("article", { class: "image", "aria-labelledby": `image-${image.number}` },
    h("header", null,
      h("h1", { id: `image-${image.number}`, tabindex: "-1" }, ...headOf(image)),
      h("ul", { class: "totals" }, ...counts.filter(([, number]) => number).map(([outcome, number]) =>
        h("li", { class: outcome }, mark(outcome), " ", h("b", null, String(number)), ` ${outcome}`))),
      facts ? h("p", { class: "words" }, facts.words.join(" · ")) : null,
      image.path ? h("p", { class: "path" }, h("code", null, image.path)) : null));
  const section = (id, heading, ...inside) => h("section", { "aria-labelledby": `${id}-${image.number}` },
    h("h2", { id: `${id}-${image.number}` }, heading), ...inside);
  const fold = (heading, open, ...inside) => h("details", { open: open || expanded }, h("summary", null, heading), ...inside);
  const causes = new Map();
  const answered = first.filter((finding) => finding.outcome !== "error");
  const unanswered = first.slice(0, first.length - answered.length);
  if (unanswered.length) page.append(section("unanswered", "What has no answer", ...unanswered.map(drawnError)));
  if (answered.length) page.append(section("failing", answered.some((finding) => FAILING.has(finding.outcome)) ? "What fails" : "Waived", ...answered.map((finding) => drawnFinding(finding, causes))));
  if (rest.length) {
    const lines = h("div", { class: "rest" }, ...rest.map((finding) => drawnFinding(finding, causes)));
    page.append(section("holding", "What holds", expanded ? held(rest) : fold(count(rest.length, "finding"), !first.length && rest.length < 8, lines)));
  }
  if (!image.findings.length) page.append(h("p", null, "No rule checked this image."));
  if (facts) {
    page.append(section("links", "What it links", drawnLinks(image)));
    if (image.sizes) page.append(section("sizes", "What is in it", drawnSizes(image, expanded)));
    page.append(section("facts", "Facts", h("div", { class: "facts" }, ...facts.groups.map(([heading, entries]) =>
      h("section", { "aria-label": heading }, h("h3", null, heading), rows(entries))))));
  }
  if (image.command) {
    const environment = DATA.pool[image.environment].map(([name, value]) => `${name}=${value}`);
    page.append(section("build", "Build", rows(image.toolchain), copyable("command", shellLine(image.command)),
      environment.length ? copyable("environment", environment.join("\n")) : null,
      image.output ? copyable("output", image.output) : null));
  }
  return page;
}

function held(findings) {
  return h("ul", { class: "held" }, ...findings.map((finding) => h("li", { class: finding.outcome }, mark(finding.outcome), " ",
    h("b", null, finding.rule), ` ${finding.outcome}: ${finding.observed || ""}`)));
}

// As a shell takes it.
function shellLine(words) {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
