addPythonPath() {
  addToSearchPath PYTHONPATH "$1/lib/python3.11/site-packages"
}
addEnvHooks 0 addPythonPath
