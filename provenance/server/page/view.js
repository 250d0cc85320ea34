// Shows a report. Whatever comes from a file becomes text and nothing else.

const SVG = "http://www.w3.org/2000/svg";
const MOST_PLACES = 60;
const MOST_FACTS = 40;
const LONGEST = 2000;
// Control and format characters, which could turn text around or hide it.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
// Details that are shown elsewhere, or are for programs alone.
const HIDDEN = new Set(["actions", "detection_rate", "failures", "ingredients", "soft_bindings"]);

export function clean(text) {
  const short = String(text).slice(0, LONGEST);
  return short.replace(/\s/gu, " ").replace(UNSAFE, "\ufffd") + (text.length > LONGEST ? " […]" : "");
}

export function fill(template, values) {
  return template.replace(/\{([a-z_]+)\}/g, (_, name) => values[name] ?? "");
}

// An element. Children are elements, or text, which is cleaned; empty ones are left out.
export function tag(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  return filled(made, attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === "") continue;
    made.append(typeof child === "object" ? child : clean(child));
  }
  return made;
}

// The whole report in the language of `words`. `saving` is the row of buttons.
export function shown(reply, words, name, saving) {
  const report = reply.report;
  const said = reply.said[words.language];
  const say = words.report;
  return [
    about(report, say, name),
    verdict(report, said, say),
    saving,
    section(say.conflicts, "conflicts", list(said.contradictions.map((each) => [
      each.decisive ? tag("strong", {}, say.stops, " ") : "", each.text]))),
    section(say.picture, "picture", figures(reply, said, say)),
    section(say.reasons, "reasons", said.reasons.length
      ? list(said.reasons.map((each) => [
          tag("strong", {}, each.counted ? say.counts : say["does-not-count"], " "), each.text]), "ol")
      : tag("p", {}, say.nothing)),
    section(say.history, "history", history(reply, words)),
    section(say.checks, "checks", report.evidence.map((each, i) => card(each, said.evidence[i], say))),
    section(say.unchecked, "unchecked", unchecked(report, said, say)),
    tag("p", { class: "small" }, say.hash, " ", tag("code", {}, report.sha256)),
  ].filter(Boolean);
}

function section(heading, name, ...content) {
  const inner = content.flat().filter(Boolean);
  if (!inner.length) return null;
  const id = `report-${name}`;
  return tag("section", { class: name, "aria-labelledby": id }, tag("h3", { id, class: "h2" }, heading), inner);
}

function list(items, kind = "ul") {
  return items.length ? tag(kind, {}, items.map((each) => tag("li", {}, each))) : null;
}

function about(report, say, name) {
  const kind = report.media_type.split("/").pop().toUpperCase();
  const values = { kind, width: report.width, height: report.height, bytes: report.bytes.toLocaleString() };
  return tag("header", {},
    tag("p", { class: "name" }, tag("bdi", {}, name)),
    tag("p", {}, fill(report.width ? say.file : say["file-plain"], values)));
}

function verdict(report, said, say) {
  return tag("section", { class: `verdict ${said.tone}`, "aria-labelledby": "answer" },
    tag("p", { class: "sign", "aria-hidden": "true" }, said.sign),
    tag("div", {},
      tag("h2", { id: "answer", tabindex: "-1" }, said.title),
      tag("p", { class: "headline" }, said.headline),
      odds(report.verdict, said),
      tag("p", {}, tag("strong", {}, fill(say.answer, said)), said.meaning),
      said.advice ? tag("p", {}, tag("strong", {}, say.do), ` ${said.advice}`) : null,
      tag("p", { class: "small" }, said.coverage)));
}

function odds(verdict, said) {
  if (!said.chance) return null;
  const [low, high] = verdict.interval95.map((each) => 100 * each);
  const bar = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", class: "odds" },
    svg("rect", { class: "track", width: 100, height: 6, y: 2, rx: 1 }),
    svg("rect", { class: "range", x: low, width: Math.max(0.6, high - low), height: 6, y: 2, rx: 0.3 }),
    svg("rect", { class: "point", x: 100 * verdict.probability - 0.4, width: 0.8, height: 10 }));
  const scale = ["0 %", "50 %", "100 %"].map((each) => tag("span", {}, each));
  return [
    tag("div", { class: "gauge", "aria-hidden": "true" }, bar, tag("p", { class: "scale" }, scale)),
    tag("p", {}, said.chance),
  ];
}

function figures(reply, said, say) {
  const picture = reply.picture;
  if (!picture) return reply.report.media_type.startsWith("image/") ? tag("p", {}, say["no-picture"]) : null;
  const places = [...marked(reply.report, said, picture, say)].slice(0, MOST_PLACES);
  const label = places.length ? fill(say.places, { count: places.length }) : say["picture-alt"];
  const image = svg("image", { href: picture.address, width: picture.width, height: picture.height });
  const first = tag("figure", {},
    canvas(picture, label, places.length > 0, image, places.map((each, i) => drawn(picture, each, i + 1, say))),
    tag("figcaption", {}, places.length ? legend(places, say) : say["picture-alt"]));
  const heats = reply.report.evidence.map((each, i) => heat(picture, each, said.evidence[i], say));
  return tag("div", { class: "figures" }, first, heats.filter(Boolean));
}

function* marked(report, said, picture, say) {
  for (const [i, each] of report.evidence.entries()) {
    for (const [n, box] of each.boxes.entries()) {
      const left = Math.max(0, box.left), top = Math.max(0, box.top);
      const width = Math.min(picture.width, box.right) - left;
      const height = Math.min(picture.height, box.bottom) - top;
      if (width <= 0 || height <= 0) continue;
      const label = said.evidence[i].labels[n] || say.seen;
      yield { left, top, width, height, label, score: box.score, check: said.evidence[i].name };
    }
  }
}

function canvas(picture, label, group, ...content) {
  return svg("svg",
    { viewBox: `0 0 ${picture.width} ${picture.height}`, role: group ? "group" : "img", "aria-label": clean(label) },
    svg("rect", { class: "ground", width: picture.width, height: picture.height }), content);
}

// A frame in two tones, to be seen on any ground, with its number; a link to its words.
function drawn(picture, place, number, say) {
  const where = { x: place.left, y: place.top, width: place.width, height: place.height };
  const size = Math.max(picture.width, picture.height) / 36;
  const wide = size * (0.8 + 0.6 * String(number).length);
  const x = Math.min(place.left, Math.max(0, picture.width - wide));
  const y = Math.max(0, place.top - size * 1.3);
  return svg("a",
    { href: `#place-${number}`, id: `box-${number}`, class: "place", "aria-label": clean(fill(say.place, { number, label: place.label })) },
    svg("rect", { class: "under", ...where }),
    svg("rect", { class: "over", ...where }),
    svg("rect", { class: "badge", x, y, width: wide, height: size * 1.3 }),
    svg("text", { x: x + wide / 2, y: y + size, "font-size": size, "text-anchor": "middle" }, String(number)));
}

function legend(places, say) {
  return tag("ol", { class: "places" }, places.map((each, i) => {
    const score = each.score === null ? "" : `, ${fill(say.score, { score: each.score.toFixed(2) })}`;
    return tag("li", { id: `place-${i + 1}`, tabindex: "-1" },
      tag("a", { href: `#box-${i + 1}` }, each.label), ` – ${each.check}${score}`);
  }));
}

// The same picture under squares that are the redder, the stronger the check saw it there.
function heat(picture, evidence, said, say) {
  const rows = evidence.heat.length;
  if (!rows || !evidence.heat[0].length) return null;
  const label = fill(say.heat, { check: said.name });
  const height = picture.height / rows, width = picture.width / evidence.heat[0].length;
  const squares = evidence.heat.flatMap((row, y) => row.map((value, x) => svg("rect",
    { x: x * width, y: y * height, width, height, fill: "#d62828", "fill-opacity": 0.75 * value })));
  const pale = svg("image", { href: picture.address, width: picture.width, height: picture.height, class: "pale" });
  return tag("figure", {}, canvas(picture, label, false, pale, squares), tag("figcaption", {}, label));
}

function history(reply, words) {
  const say = words.report;
  if (!reply.history) return tag("p", {}, say["no-history"]);
  const status = reply.report.evidence.find((each) => each.source === "credentials")?.status;
  const warning = { verified: say["history-holds"], failed: say["history-fails"] }[status] ?? say["history-open"];
  return [tag("p", {}, warning), tag("ol", { class: "tree" }, step(reply.history, words))];
}

function step(each, words) {
  const say = words.report;
  const relation = words.relations[each.relationship || "this"] ?? each.relationship;
  const signed = each.signer ? fill(say.signed, { signer: each.signer })
    : each.actions.length ? "" : say.unsigned;
  const picture = each.picture
    ? tag("img", { src: each.picture.address, alt: "" }) : null;
  const text = tag("div", {},
    tag("h4", {}, relation, each.title ? [say.colon, tag("bdi", {}, each.title)] : ""),
    tag("p", {}, [signed, each.tool ? fill(say.tool, { tool: each.tool }) : ""].filter(Boolean).join(" ")),
    list(each.actions.map((action) => [action])),
    each.problems.length ? tag("p", {}, tag("strong", {}, say["found-then"]), ` ${each.problems.join("; ")}`) : null,
    each.cut ? tag("p", {}, say.cut) : null);
  const below = each.made_from.length
    ? tag("ol", {}, each.made_from.map((one) => step(one, words))) : null;
  return tag("li", {}, tag("div", { class: "step" }, picture, text), below);
}

function card(evidence, said, say) {
  return tag("article", { class: `card ${evidence.status}` },
    tag("h4", {},
      tag("span", { class: "mark", "aria-hidden": "true" }, said.sign), ` ${said.name}${say.colon}`,
      tag("span", { class: "word" }, said.word)),
    tag("p", {}, said.text),
    said.advice ? tag("p", {}, tag("strong", {}, say.do), ` ${said.advice}`) : null,
    said.about ? tag("p", { class: "small" }, said.about) : null,
    tag("details", {}, tag("summary", {}, say.facts), tag("dl", {}, facts(evidence, said, say))));
}

function facts(evidence, said, say) {
  const found = [[say.code, evidence.code]];
  if (said.rate) found.push([say.rate, fill(say["rate-of"], { rate: said.rate })]);
  if (evidence.score !== null) found.push([say.uncalibrated, evidence.score.toPrecision(4)]);
  const details = Object.entries(evidence.details).filter(([key, value]) => !HIDDEN.has(key) && !blank(value));
  for (const [key, value] of details.slice(0, MOST_FACTS)) found.push([key.replaceAll("_", " "), flat(value)]);
  return found.map(([key, value]) => [tag("dt", {}, key), tag("dd", {}, tag("bdi", {}, value))]);
}

function blank(value) {
  return value === null || value === "" || value === false ||
    (typeof value === "object" && Object.keys(value).length === 0);
}

// A detail on one line. Metadata is nested as deep and as wide as its writer likes.
function flat(value, depth = 0) {
  if (depth > 3) return "…";
  if (Array.isArray(value)) return value.slice(0, MOST_FACTS).map((each) => flat(each, depth + 1)).join("; ");
  if (value && typeof value === "object") {
    return Object.entries(value).slice(0, MOST_FACTS)
      .map(([key, each]) => `${key}: ${flat(each, depth + 1)}`).join(", ");
  }
  return String(value);
}

function unchecked(report, said, say) {
  const items = report.evidence.flatMap((each, i) => each.status === "unchecked"
    ? [[tag("strong", {}, said.evidence[i].name + say.stop), said.evidence[i].text, said.evidence[i].advice ? ` ${said.evidence[i].advice}` : ""]]
    : []);
  for (const name of said.missing) items.push([tag("strong", {}, name + say.stop), say["not-part"]]);
  return list(items) ?? tag("p", {}, say.complete);
}
