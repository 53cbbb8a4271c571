/** Unit tests in jsdom; JupyterLab's packages are ES modules, so swc translates them too. */
const esModules = [
  '@jupyterlab',
  '@jupyter',
  '@microsoft',
  'lib0',
  'y-protocols',
  'yjs',
  'exenv-es6',
  '@codemirror',
  '@lezer',
  'nanoid'
];

module.exports = {
  testEnvironment: '<rootDir>/tests/environment.cjs',
  roots: ['<rootDir>/tests'],
  setupFilesAfterEnv: ['<rootDir>/tests/setup.ts'],
  moduleNameMapper: {
    '\\.css$': '<rootDir>/tests/style.cjs',
    '\\.svg$': '<rootDir>/tests/svg.cjs'
  },
  transform: {
    '\\.[jt]sx?$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', tsx: true },
          target: 'es2022',
          transform: { react: { runtime: 'classic' } }
        },
        module: { type: 'commonjs' }
      }
    ]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules.join('|')})/)`]
};
