// Loaded into the proxy before its own code: no line that it writes is longer than the hub's own.
// What a stranger asks for stands in them, and errors come with the packet that they are about.
'use strict';

const MAX_LETTERS = 900;
const MAX_LINES = 30;

function bounded(text) {
  const lines = text.split('\n');
  const kept = lines.length > MAX_LINES + 1 ? [...lines.slice(0, MAX_LINES), '…', ''] : lines;
  return kept
    .map(line => (line.length > MAX_LETTERS ? `${line.slice(0, MAX_LETTERS)}…` : line))
    .join('\n');
}

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  stream.write = (chunk, ...rest) =>
    write(typeof chunk === 'string' ? bounded(chunk) : chunk, ...rest);
}
