where = 'of the package'
