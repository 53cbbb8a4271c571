/** The builder reads an icon as the text of its SVG. */
declare module '*.svg' {
  const text: string;
  export default text;
}
