/** jsdom with what every browser has and jsdom lacks: fetch, from Node, and a few events. */
const { TestEnvironment } = require('jest-environment-jsdom');

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    const { window } = this.global;
    Object.assign(window, { fetch, Request, Response, Headers, ReadableStream, TextDecoder });
    window.matchMedia = () => ({ matches: false, addEventListener: () => {} });
    Object.assign(window.navigator, { clipboard: {} });
    window.DragEvent = class extends window.MouseEvent {};
  }
};
