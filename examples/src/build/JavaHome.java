void main() {
  IO.print(System.getProperty("java.home"));
}
