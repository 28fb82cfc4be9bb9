<?php

declare(strict_types=1);

namespace Upline\Commission\Block\Adminhtml\System;

use Magento\Backend\Block\Template\Context;
use Magento\Config\Block\System\Config\Form\Field;
use Magento\Framework\Data\Form\Element\AbstractElement;
use Upline\Commission\Model\Connection;

/**
 * Connect, Reconnect and Disconnect in Stores > Configuration > Sales > Upline, for the scope that is shown.
 */
class Connect extends Field
{
    /**
     * @var string
     */
    protected $_template = 'Upline_Commission::system/connect.phtml';

    /**
     * @param Context $context
     * @param Connection $connection
     * @param array<string, mixed> $data
     */
    public function __construct(Context $context, private readonly Connection $connection, array $data = [])
    {
        parent::__construct($context, $data);
    }

    /**
     * The connection of the scope.
     *
     * @return Connection
     */
    public function getConnection(): Connection
    {
        return $this->connection->of($this->getWebsiteId());
    }

    /**
     * The website whose settings are shown; 0 for the default.
     *
     * @return int
     */
    public function getWebsiteId(): int
    {
        $code = (string) $this->getRequest()->getParam('website');
        return $code === '' ? 0 : (int) $this->_storeManager->getWebsite($code)->getId();
    }

    /**
     * What the script needs, as JSON.
     *
     * @return string
     */
    public function getScriptJson(): string
    {
        return (string) json_encode(['Upline_Commission/js/connect' => [
            'begin' => $this->getUrl('upline/connect/begin'),
            'progress' => $this->getUrl('upline/connect/progress'),
            'disconnect' => $this->getUrl('upline/connect/disconnect'),
            'website' => $this->getWebsiteId(),
            'sure' => (string) __('Disconnect? Orders that were not told yet are kept until you connect again.'),
            'lost' => (string) __('The shop did not answer. Load the page again and look at the state.'),
        ]], JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS);
    }

    /**
     * @inheritDoc
     */
    public function render(AbstractElement $element): string
    {
        $element->unsScope()->unsCanUseWebsiteValue()->unsCanUseDefaultValue();
        return parent::render($element);
    }

    /**
     * @inheritDoc
     */
    // phpcs:ignore PSR2.Methods.MethodDeclaration.Underscore -- the name is Magento's
    protected function _getElementHtml(AbstractElement $element): string
    {
        return $this->_toHtml();
    }
}
