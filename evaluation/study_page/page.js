"use strict";

const MIN_PAUSE_MS = 250; // between choices, so that a double tap does not answer the next pair unseen
const CHOICES = ["left", "undecided", "right"];

/** One rater's way through the pairs: what was chosen, in which order, kept in `storage` after every step. */
function createStudy(data, storage, now) {
  const slot = `oviton-study-${data.study}`;
  let state = null;
  let shownAt = null;
  let saved = true;

  function fresh(name) {
    const id = [...crypto.getRandomValues(new Uint8Array(4))].map((b) => b.toString(16).padStart(2, "0")).join("");
    return { rater: { id, name: name.trim() }, started: new Date(now()).toISOString(), answers: {}, trail: [] };
  }

  function keep() {
    try {
      storage.setItem(slot, JSON.stringify(state));
      saved = true;
    } catch {
      saved = false;
    }
  }

  function restore() {
    try {
      const found = JSON.parse(storage.getItem(slot));
      const known = new Set(data.pairs.map((pair) => pair.id));
      const sound =
        found && found.rater && Array.isArray(found.trail) &&
        found.trail.every((id) => known.has(id) && CHOICES.includes(found.answers?.[id]?.choice));
      state = sound ? found : null;
    } catch {
      state = null;
    }
  }

  restore();
  return {
    get running() { return state !== null; },
    get saved() { return saved; },
    get total() { return data.pairs.length; },
    get done() { return state ? state.trail.length : 0; },
    /** The first pair without a choice; null when all are done. */
    get pair() { return state ? data.pairs.find((pair) => !(pair.id in state.answers)) ?? null : null; },
    get rater() { return state.rater; },
    start(name) { state = fresh(name); keep(); },
    /** Tell that the pair is on the screen: from now on a choice counts. */
    shown() { shownAt = now(); },
    /** Take a choice; false when it came too soon or there is nothing to choose. */
    choose(choice) {
      const pair = this.pair;
      if (!pair || shownAt === null || now() - shownAt < MIN_PAUSE_MS) return false;
      state.answers[pair.id] = { choice, seconds: Math.round(now() - shownAt) / 1000 };
      state.trail.push(pair.id);
      shownAt = null;
      keep();
      return true;
    },
    undo() {
      if (!state || !state.trail.length) return false;
      delete state.answers[state.trail.pop()];
      shownAt = null;
      keep();
      return true;
    },
    /** Forget this rater, so that another can begin. */
    clear() {
      state = null;
      try { storage.removeItem(slot); } catch { /* nothing was kept */ }
    },
    file() {
      const { rater, started, answers } = state;
      const text = JSON.stringify(
        { schema: 1, study: data.study, rater, started, saved: new Date(now()).toISOString(), answers }, null, 1);
      return { name: `answers-${data.study}-${rater.id}.json`, text: text + "\n" };
    },
  };
}

/** Connect the study to the page. */
function mount(document, window) {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  let storage = null;
  try { storage = window.localStorage; } catch { /* forbidden: the study will say that nothing is kept */ }
  const study = createStudy(data, storage, () => Date.now());
  let busy = false;

  const picture = (id) => $(id).querySelector("img");

  async function show() {
    const pair = study.pair;
    $("start").hidden = study.running;
    $("study").hidden = !pair;
    $("end").hidden = !study.running || pair !== null;
    $("warning").hidden = study.saved;
    $("bar").setAttribute("aria-valuemax", study.total);
    $("bar").setAttribute("aria-valuenow", study.done);
    $("bar").firstElementChild.style.width = `${(100 * study.done) / study.total}%`;
    $("count").textContent = `${study.done + 1} of ${study.total}`;
    $("undo").disabled = study.done === 0;
    if (study.running && !pair) $("text").value = study.file().text;
    if (!pair) return;
    const sources = [[picture("left"), pair.left], [picture("right"), pair.right]];
    if (pair.reference) sources.push([picture("reference"), pair.reference]);
    $("reference").hidden = !pair.reference;
    $("pair").style.visibility = "hidden";
    for (const [img, source] of sources) img.src = source;
    // Both appear at once: the quicker one to decode must not draw the eye.
    await Promise.all(sources.map(([img]) => img.decode?.().catch(() => {})));
    $("pair").style.visibility = "";
    study.shown();
  }

  async function choose(choice) {
    if (busy || !study.choose(choice)) return;
    busy = true;
    document.activeElement?.blur?.(); // so that space answers, and does not press the last button again
    const chosen = choice === "undecided" ? [] : [$(choice)];
    chosen.forEach((element) => element.classList.add("chosen"));
    await new Promise((resume) => setTimeout(resume, 120));
    chosen.forEach((element) => element.classList.remove("chosen"));
    await show();
    busy = false;
  }

  async function undo() {
    if (!busy && study.undo()) await show();
  }

  function save() {
    const { name, text } = study.file();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  $("start-question").textContent = $("question").textContent = data.question;
  $("start-count").textContent = $("end-count").textContent = study.total;
  $("warning").textContent = "Choices cannot be kept on this device: press Save before you close the page.";
  for (const side of ["left", "right"]) {
    $(side).addEventListener("click", () => choose(side));
    $(`choose-${side}`).addEventListener("click", () => choose(side));
  }
  $("undecided").addEventListener("click", () => choose("undecided"));
  for (const id of ["undo", "end-undo"]) $(id).addEventListener("click", undo);
  for (const id of ["save", "end-save"]) $(id).addEventListener("click", save);
  $("again").addEventListener("click", () => {
    if (!window.confirm("Have you saved the file? Starting over removes these choices from this device.")) return;
    study.clear();
    $("name").value = "";
    show();
  });
  $("start-form").addEventListener("submit", (event) => {
    event.preventDefault();
    study.start($("name").value);
    document.activeElement?.blur?.();
    show();
  });

  const keys = { ArrowLeft: "left", ArrowRight: "right", " ": "undecided" };
  document.addEventListener("keydown", (event) => {
    if ($("study").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const isUndo = event.key === "Backspace";
    if (!(event.key in keys) && !isUndo) return;
    event.preventDefault();
    if (event.repeat) return;
    if (isUndo) undo(); else choose(keys[event.key]);
  });
  document.addEventListener("keyup", (event) => {
    if (!$("study").hidden && event.key === " ") event.preventDefault(); // a focused button would be pressed too
  });
  show();
}

if (typeof module !== "undefined") module.exports = { createStudy, mount };
else mount(document, window);
