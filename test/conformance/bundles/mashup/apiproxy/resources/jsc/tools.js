function tag(text) {
  return '[' + text + ']';
}
