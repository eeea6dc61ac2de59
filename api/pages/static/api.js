// Reading the API: JSON or a problem that says what to do.

export class Problem extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }
}

export async function read(path, signal) {
  let answer;
  try {
    answer = await fetch(path, { headers: { accept: "application/json" }, signal });
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new Problem(0, "The API does not answer", "Check the connection, and that the API is running.");
  }
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, problem.title || `The API answered ${answer.status}`, problem.detail || "");
}

// The value, or `otherwise` where the API says that there is nothing (404).
export async function readOr(otherwise, path, signal) {
  try {
    return await read(path, signal);
  } catch (problem) {
    if (problem.status === 404) return otherwise;
    throw problem;
  }
}
