import { texts } from "./texts";

export function Footer() {
  const say = texts();
  return (
    <footer class="foot">
      <span>{say.footer}</span>
      <a href="docs">{say.api}</a>
    </footer>
  );
}
