// The page: takes a file or an address, sends it, shows the report. Keeps nothing.

import { clean, fill, shown, tag } from "./view.js";

const MIB = 2 ** 20;
const find = (id) => document.getElementById(id);
const most = Number(document.body.dataset.most);

let words = null;
let request = null; // under way, or null
let last = null; // the reply that is shown, with its name
let work = null; // the words of what is going on, to say them again in another language
let wrong = null; // says what is wrong, again in another language

await speak(document.body.dataset.language);
find("address-form")?.removeAttribute("hidden");
find("route").textContent = new URL("v1/verify", location.href).href;

// ---- language

async function speak(language) {
  const answer = await fetch(`words.${language}.json`);
  words = { ...(await answer.json()), language };
  document.documentElement.lang = words.tag;
  document.title = words.page.title;
  for (const each of document.querySelectorAll("[data-say]")) each.textContent = said(each.dataset.say);
  for (const each of document.querySelectorAll("[data-say-label]")) {
    each.setAttribute("aria-label", said(each.dataset.sayLabel));
  }
  for (const each of document.querySelectorAll("[data-language]:is(a)")) {
    if (each.dataset.language === language) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
  document.querySelector("[data-five]").replaceChildren(...Object.values(words.results)
    .flatMap((each) => [tag("dt", {}, each.word), tag("dd", {}, each.meaning)]));
  if (work) stage(...work);
  if (last) show();
  problem(wrong);
}

function said(path) {
  const [table, name] = path.includes(".") ? path.split(".") : ["page", path];
  return words[table][name];
}

for (const link of document.querySelectorAll("nav a[data-language]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    await speak(link.dataset.language);
    history.replaceState(null, "", `?lang=${link.dataset.language}`);
  });
}

// ---- what is given: chosen, dropped, pasted, or an address

find("form").addEventListener("submit", (event) => event.preventDefault());
find("file").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // so that the same file may be chosen again
});

find("file").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return; // which would send the form, where there is no script
  event.preventDefault();
  find("file").showPicker();
});

let depth = 0;
document.addEventListener("dragenter", (event) => {
  event.preventDefault();
  depth += 1;
  document.body.classList.add("over");
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("dragleave", () => {
  depth = Math.max(0, depth - 1);
  if (!depth) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("over");
  take(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  const files = event.clipboardData?.files ?? [];
  if (files.length) {
    event.preventDefault();
    take(files);
  } else if (!event.target.closest?.("input")) {
    problem(() => words.problems.none);
  }
});
find("address-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = find("address");
  const address = field.value.trim();
  field.setAttribute("aria-invalid", String(!address.startsWith("https://")));
  if (!address.startsWith("https://")) {
    problem(() => words.problems.address);
    field.focus();
    return;
  }
  begin(address, JSON.stringify({ url: address }));
});
find("stop").addEventListener("click", () => {
  request?.abort();
  end();
  tell(words.work.stopped);
  find("file").focus();
});

function take(files) {
  if (!files.length) return problem(() => words.problems.none);
  const file = files[0];
  if (!file.size) return problem(() => words.problems.empty);
  if (file.size > most) {
    const sizes = { size: (Math.ceil((10 * file.size) / MIB) / 10).toFixed(1), most: (most / MIB).toFixed(0) };
    return problem(() => fill(words.problems.large, sizes));
  }
  const body = new FormData();
  body.append("file", file, file.name || "picture");
  begin(file.name || "picture", body);
  if (files.length > 1) tell(words.problems.several);
}

// ---- sending

function begin(name, body) {
  request?.abort();
  problem(null);
  last = null;
  find("report").hidden = true;
  find("work").hidden = false;
  find("about-work").focus();
  const sending = new XMLHttpRequest();
  request = sending;
  sending.open("POST", "v1/verify?full=true");
  sending.setRequestHeader("Accept", "application/json");
  if (typeof body === "string") {
    sending.setRequestHeader("Content-Type", "application/json");
    stage("fetching", name);
  } else {
    stage("uploading", name, 0);
    sending.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) stage("uploading", name, Math.floor((100 * event.loaded) / event.total));
    });
    sending.upload.addEventListener("load", () => stage("examining", name));
  }
  sending.addEventListener("load", () => {
    end();
    answered(sending, name);
  });
  sending.addEventListener("error", () => {
    end();
    problem(() => words.problems.network);
  });
  sending.send(body);
}

function end() {
  request = null;
  work = null;
  find("work").hidden = true;
}

// Says what is going on; aloud at each quarter of an upload alone, since more would be chatter.
function stage(kind, name, percent = null) {
  const before = work;
  work = [kind, name, percent];
  const text = fill(words.work[kind], { name: clean(name), percent });
  find("stage").textContent = text;
  const bar = find("bar");
  if (percent === null) bar.removeAttribute("value");
  else bar.value = percent;
  const quarter = (value) => Math.floor((value ?? 100) / 25);
  if (!before || before[0] !== kind || quarter(before[2]) !== quarter(percent)) tell(text);
}

function answered(sending, name) {
  let reply = null;
  try {
    reply = JSON.parse(sending.responseText);
  } catch {
    return problem(() => (sending.status === 503 ? words.problems.busy : words.problems.broken));
  }
  if (sending.status !== 200) {
    const error = reply.error ?? {};
    return problem(() => words.refusals[error.code] ?? error.message ?? words.problems.broken);
  }
  last = { reply, name };
  show();
  find("report").hidden = false;
  find("answer").focus({ preventScroll: true });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  find("report").scrollIntoView({ behavior: calm ? "auto" : "smooth" });
  tell(fill(words.work.done, { title: reply.said[words.language].title }));
}

// ---- showing

function show() {
  const { reply, name } = last;
  find("report").replaceChildren(...shown(reply, words, name, saving(reply, name)));
}

function saving(reply, name) {
  const say = words.report;
  const stem = name.split(/[\\/]/).pop().replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}._-]+/gu, "-") || "file";
  const button = (text, kind, suffix, content) => {
    const made = tag("button", { type: "button", class: "button quiet" }, text);
    made.addEventListener("click", () => save(content(), kind, `${stem}-report.${suffix}`));
    return made;
  };
  const again = tag("button", { type: "button", class: "button" }, say.again);
  again.addEventListener("click", () => {
    scrollTo({ top: 0 });
    find("file").focus();
  });
  return tag("div", { class: "saving", role: "group", "aria-label": say.save },
    button(say["save-html"], "text/html", "html", () => reply.html),
    button(say["save-json"], "application/json", "json", () => JSON.stringify(reply.report, null, 2)),
    again);
}

function save(content, kind, name) {
  const address = URL.createObjectURL(new Blob([content], { type: kind }));
  const link = tag("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function problem(say) {
  wrong = say;
  find("problem").replaceChildren(
    ...(say ? [tag("p", {}, tag("strong", {}, words.problems.title + words.report.stop), say())] : []));
}

function tell(text) {
  find("told").textContent = text;
}
