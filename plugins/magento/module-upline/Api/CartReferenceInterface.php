<?php

declare(strict_types=1);

namespace Upline\Commission\Api;

/**
 * The reference of a customer's own cart, for headless shops.
 *
 * @api
 */
interface CartReferenceInterface
{
    /**
     * Keeps by whose recommendation the cart is; empty takes it back.
     *
     * @param int $cartId
     * @param string $reference a distributor's code
     * @return bool
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function set(int $cartId, string $reference): bool;
}
