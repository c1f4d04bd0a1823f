// Requests to the server. Every failure becomes an Error with a message for people.

export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is batch-eval serve still running?");
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Error(said.error ?? `The server answered ${response.status}.`);
}

export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

export function query(values) {
  return new URLSearchParams(values).toString();
}
