// Talking to the server: JSON both ways, refusals as errors with the server's sentence.

const PATIENCE_MS = 20_000;

/** The server answered, and said no; `code` is its word for why. */
export class Refusal extends Error {
  constructor(status, code, sentence) {
    super(sentence);
    this.status = status;
    this.code = code;
  }

  /** Whether the same message may be taken later: the server is ill, not the message. */
  get mayPass() {
    return this.status >= 500 || this.status === 429 || this.status === 401 || this.status === 408;
  }
}

// Read anew each time: signing in again, in another tab, changes it.
function csrfToken() {
  const cookie = document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
  return cookie ? cookie.slice("csrftoken=".length) : "";
}

/** Send an object; give the object that comes back. */
export async function send(url, body, { method = "POST", keepalive = false } = {}) {
  const response = await fetch(url, {
    method,
    keepalive,
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
    credentials: "same-origin",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) {
    throw await refusalOf(response);
  }
  return response.json();
}

/** Fetch bare bytes. */
export async function bytes(url) {
  return (await got(url)).arrayBuffer();
}

/** Fetch a part of a page, as the server drew it. */
export async function part(url) {
  return (await got(url)).text();
}

async function got(url) {
  const response = await fetch(url, {
    credentials: "same-origin",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) {
    throw await refusalOf(response);
  }
  return response;
}

async function refusalOf(response) {
  const isJson = (response.headers.get("Content-Type") ?? "").includes("application/json");
  if (isJson) {
    const { error, code } = await response.json();
    return new Refusal(response.status, code, error);
  }
  const words = `the server answered ${response.status}; it will be asked again`;
  return new Refusal(response.status, "unexplained", words);
}
