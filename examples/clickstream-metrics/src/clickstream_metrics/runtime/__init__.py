"""What every stream needs around it: the template owns these modules and updates them."""
