"""`python -m chappe`."""

from chappe.cli.main import main

if __name__ == "__main__":
    main()
