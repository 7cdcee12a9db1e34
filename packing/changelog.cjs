/**
 * The section of a version in the text of CHANGELOG.md, with its heading; undefined if there is none. What stands behind the
 * version in the heading, such as its date, is part of it.
 */
function sectionOf(changelog, version) {
  const sections = changelog.split(/^(?=## )/m).slice(1);
  const section = sections.find((text) => /^## (\S+?),?(?:\s|$)/.exec(text)?.[1] === version);
  return section && `${section.trim()}\n`;
}

module.exports = { sectionOf };
