// Beside what tsc finds: what is allowed, but not wanted.
import { createRequire } from "node:module";

// script/setup --test puts packages there.
const js = createRequire(new URL("../../.venv/node/", import.meta.url))("@eslint/js");

// Texts enter pages as text only; and the policy that pages are sent with forbids the rest.
const noMarkup = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write", "srcdoc"].map((name) => ({
  selector: `MemberExpression[property.name="${name}"]`,
  message: "Texts enter the page by textContent.",
}));

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      // What there is, and what is used, tsc knows better.
      "no-undef": "off",
      "no-unused-vars": "off",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
      curly: ["error", "multi-line"],
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", { max: 50, skipComments: true }],
      complexity: ["error", 20],
      // Clipboards write, too.
      "no-restricted-syntax": ["error", ...noMarkup.filter(({ selector }) => !selector.includes('"write"'))],
      "no-restricted-properties": ["error", { object: "document", property: "write" }],
    },
  },
];
