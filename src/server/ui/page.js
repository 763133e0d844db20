/** The page's own program: plain ECMAScript, served as it is. Texts only ever become text nodes. */

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} id */
const byId = (id) => document.getElementById(id);

/** Calls the server; throws its own message if it refuses. */
async function call(path, body) {
  const key = byId("key").value;
  const response = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  const { headers } = response;
  return { answer, took: `${headers.get("x-compute-tokens")} tokens in ${headers.get("x-total-time")} ms` };
}

const linesOf = (id) =>
  byId(id)
    .value.split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** An element with some text in it. */
function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** Runs a form's work when it is sent, and says how it went. */
function onSubmit(form, status, work) {
  byId(form).addEventListener("submit", (event) => {
    event.preventDefault();
    void run(byId(status), work);
  });
}

async function run(output, work) {
  output.className = "";
  output.textContent = "…";
  try {
    output.textContent = await work();
  } catch (error) {
    output.className = "failed";
    output.textContent = error.message;
  }
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** From blue (−1) over white (0) to red (1). */
function colourOf(cosine) {
  const strength = Math.round(255 * (1 - Math.min(1, Math.abs(cosine)) * 0.75));
  return cosine < 0 ? `rgb(${strength} ${strength} 255)` : `rgb(255 ${strength} ${strength})`;
}

function showHeatMap(texts, vectors) {
  const table = element("table");
  for (const [i, vector] of vectors.entries()) {
    const row = table.insertRow();
    const head = element("th", texts[i]);
    head.title = texts[i];
    row.append(head);
    for (const [j, other] of vectors.entries()) {
      const cosine = dot(vector, other);
      const cell = element("td", cosine.toFixed(2));
      cell.style.backgroundColor = colourOf(cosine);
      cell.title = `${texts[i]}\n${texts[j]}`;
      row.append(cell);
    }
  }
  byId("heat-map").replaceChildren(table);
}

/** The direction in which rows vary most, by power iteration; what lies along `without` is left out. */
function principalDirection(rows, without) {
  let direction = rows[0].map((_, i) => Math.sin(i + 1));
  for (let round = 0; round < 100; round++) {
    const next = direction.map(() => 0);
    for (const row of rows) {
      const weight = dot(row, direction);
      for (const [i, value] of row.entries()) next[i] += weight * value;
    }
    const overlap = without ? dot(next, without) : 0;
    const cleaned = next.map((value, i) => value - (without ? overlap * without[i] : 0));
    const length = Math.hypot(...cleaned);
    if (length === 0) break;
    direction = cleaned.map((value) => value / length);
  }
  return direction;
}

/** Points in the plane of the first two principal components. */
function project(vectors) {
  const mean = vectors[0].map((_, i) => vectors.reduce((sum, vector) => sum + vector[i], 0) / vectors.length);
  const centred = vectors.map((vector) => vector.map((value, i) => value - mean[i]));
  const first = principalDirection(centred);
  const second = principalDirection(centred, first);
  return centred.map((row) => [dot(row, first), dot(row, second)]);
}

/** Maps values to a range of pixels. */
function scaleTo(values, from, to) {
  const least = Math.min(...values);
  const span = Math.max(...values) - least || 1;
  return (value) => from + ((value - least) / span) * (to - from);
}

function showMap(texts, vectors) {
  const points = project(vectors);
  const x = scaleTo(
    points.map(([first]) => first),
    20,
    300,
  );
  const y = scaleTo(
    points.map(([, second]) => second),
    300,
    24,
  );
  const shapes = points.flatMap(([first, second], i) => {
    const circle = document.createElementNS(SVG, "circle");
    circle.setAttribute("cx", x(first));
    circle.setAttribute("cy", y(second));
    circle.setAttribute("r", 4);
    const label = document.createElementNS(SVG, "text");
    label.setAttribute("x", x(first) + 7);
    label.setAttribute("y", y(second) + 4);
    label.textContent = texts[i].length > 28 ? `${texts[i].slice(0, 27)}…` : texts[i];
    return [circle, label];
  });
  byId("map").replaceChildren(...shapes);
}

onSubmit("compare", "compare-status", async () => {
  const texts = linesOf("texts");
  const promptName = byId("prompt").value.trim();
  const { answer, took } = await call("embed", { inputs: texts, prompt_name: promptName || null });
  showHeatMap(texts, answer);
  showMap(texts, answer);
  return `${answer.length} vectors of ${answer[0].length} numbers, ${took}`;
});

onSubmit("rerank", "rerank-status", async () => {
  const { answer, took } = await call("rerank", {
    query: byId("query").value,
    texts: linesOf("documents"),
    return_text: true,
  });
  const items = answer.map(({ text, score }) => {
    const item = element("li");
    const meter = element("meter");
    meter.value = score;
    item.append(meter, `${score.toFixed(4)}  ${text}`);
    return item;
  });
  byId("ranks").replaceChildren(...items);
  return took;
});

try {
  const { answer: info } = await call("info");
  byId("about").textContent = `${info.model_id}, version ${info.version}`;
  byId("rerank-section").hidden = !info.reranker && !info.model_type.reranker;
} catch (error) {
  byId("about").textContent = error.message;
}
