LIBRARY: tuple = ()
